// Dialogs: one at a time, in front of everything but the alarm bar, which stays in sight and in reach.

import { t } from "./words.js"
import { button, el, fresh } from "./parts.js"
import { lock, rest, whenLocked } from "./signin.js"

/** What Tab stops at. */
const FOCUSABLE = "button, input, summary, [href], [tabindex='0']"
let open = null
/** What the alarm bar is in: it is never behind a dialog. */
let bar = null
let notice = () => {}

/** Says which element stays in reach, and who tells what became of something whose dialog is closed. */
export function besideDialogs(container, tell) {
  bar = container
  notice = tell
  const measure = () => {
    const below = Math.ceil(container.getBoundingClientRect().bottom)
    document.documentElement.style.setProperty("--below-bar", `${below}px`)
  }
  new ResizeObserver(measure).observe(container)
}

const reachable = (root) =>
  [...root.querySelectorAll(FOCUSABLE)].filter((node) => !node.disabled && node.getClientRects().length > 0)

function keepFocus(event, root) {
  const nodes = reachable(root)
  if (nodes.length === 0) return
  const [first, last] = [nodes[0], nodes.at(-1)]
  const at = document.activeElement
  if (event.shiftKey && (at === first || !root.contains(at))) last.focus()
  else if (!event.shiftKey && (at === last || !root.contains(at))) first.focus()
  else return
  event.preventDefault()
}

/** Everything but the alarm bar and the dialog does nothing while there is one. */
function makeInert(isInert, layer) {
  for (const node of document.body.children) {
    const isInReach = node === layer || (bar !== null && node.contains(bar)) || node.matches("[role=alert]")
    if (!isInReach) node.inert = isInert
  }
}

/** Closes the dialog that is open, with all that was entered in it. */
export function closeDialog() {
  if (open === null) return
  const { layer, before, closed } = open
  open = null
  for (const input of layer.querySelectorAll("input, textarea")) {
    input.value = ""
    // Whoever closes it while an answer is on its way does not stay signed in by that answer.
    input.checked = false
  }
  layer.remove()
  makeInert(false, layer)
  if (before?.isConnected) before.focus()
  else document.querySelector("main, [role=main]")?.focus()
  closed()
}

/**
 * Opens a dialog; one that is open is closed.
 *
 * @param title its title, a text.
 * @param name of what it is, for those who look: `acknowledge`.
 * @param stop opens what stops pumps; null: this is it, or there are none.
 * @param holdsNobody whether nothing of a person or a patient can be in it: then a lock leaves it open.
 * @returns `body` to fill, and what it can do.
 */
export function openDialog({ title, name, stop = null, holdsNobody = false, closed = () => {} }) {
  const before = open?.before ?? document.activeElement
  closeDialog()
  const heading = el("h2", { id: fresh("title"), tabindex: "-1" }, title)
  const body = el("div.dialog-body")
  const tools = [
    stop && button("people.stop", stop, { class: "stop" }), holdsNobody ? null : button("people.lock", lock),
    button("people.close", closeDialog),
  ]
  const box = el(
    "section.dialog", { role: "dialog", "aria-modal": "true", "aria-labelledby": heading.id, "data-dialog": name },
    el("header", {}, heading, el("div.tools", {}, tools)), body)
  const layer = el("div.people-layer", {}, box)
  const mine = { layer, before, closed, holdsNobody }
  layer.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeDialog()
    else if (event.key === "Tab") keepFocus(event, box)
  })
  document.body.append(layer)
  open = mine
  if (!holdsNobody) rest()
  makeInert(true, layer)
  heading.focus()
  return {
    body,
    isOpen: () => open === mine,
    close: () => open === mine && closeDialog(),
    /** The first thing that can be entered. */
    focus: () => (body.querySelector("input:not([type=checkbox]), button") ?? heading).focus(),
    /** What is told although somebody closed the dialog before it was known. */
    tell: (text) => open === mine || notice(`${title}: ${text}`),
    /** What must stay in sight after the dialog too. */
    tellAlways: (text) => notice(`${title}: ${text}`),
  }
}

whenLocked(() => open?.holdsNobody === false && closeDialog())

/** A box of a dialog that tells what became of something: at once where it is not as it should be. */
export function told(kind, ...children) {
  const role = kind === "done" ? "status" : "alert"
  const mark = { done: "✓", refused: "✕", unknown: "?" }[kind]
  return el(
    `div.told.${kind}`, { role }, el("span.sign", { "aria-hidden": "true" }, mark),
    el("div", {}, el("strong", {}, t(`people.told.${kind}`)), ...children))
}
