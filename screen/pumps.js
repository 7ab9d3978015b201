// Commands to pumps, by the same path as `nabd pump`: entered by two people, each by themselves, then started.

import { store } from "./store.js"
import { language, num, plain, t } from "./words.js"
import { say } from "./ask.js"
import { button, choice, el, field, fillWith } from "./parts.js"
import { actForm, explained } from "./acts.js"
import { told } from "./dialog.js"
import { placeName } from "./alarm-words.js"
import { bytesText, commandView, endOf, isUncertain, pumpFacts, stageWords } from "./command-words.js"
import { stop } from "./stop.js"

export { stop }

/** How long a start is followed, how often it is looked at, and how long it may be in doubt. Unit: ms. */
const FOLLOWED = 90_000
const EVERY = 1_000
const DOUBT = 30_000
const NEWEST = 20

const DOUBTFUL = "people.doubt.pump"
const again = (key) => (language() === "ar" && key ? [el("p", { t: key })] : [])
const openCommands = (device) => (store.picture?.commands ?? []).filter((each) => each.device === device)

/** @param device the pump; left out, it is chosen first. */
export function pump(dialog, { device = null }) {
  if (device === null) return choosePump(dialog)
  const known = openCommands(device).map((view) => commandView(view))
  const looked = (answer) => {
    const view = (answer.pumps ?? []).find((each) => each.device === device)
    fillWith(dialog.body)
    if (view === undefined) dialog.body.append(el("p", { t: "pumps.none" }))
    else overview(dialog, view)
    dialog.focus()
    return null
  }
  const form = actForm({
    dialog, fields: el("p", { t: "pumps.look.why" }), submit: "pumps.look", doubt: "people.doubt.look",
    line: () => ({ ask: "list" }), done: looked,
  })
  dialog.body.append(about(device), el("div", {}, known), form)
  return undefined
}

const about = (device) =>
  el("p.about", {}, plain(placeName(store.devices?.get(device)?.bed)), " · ", num(device))

function choosePump(dialog) {
  const devices = [...(store.devices?.values() ?? [])].filter((each) => each.isPump)
  const rows = devices.map(({ device }) => {
    const chosen = () => step(dialog, (d) => pump(d, { device }))
    return el("li", {}, el("button.key", { type: "button", click: chosen }, about(device)))
  })
  dialog.body.append(rows.length > 0 ? el("ul.stops", {}, rows) : el("p", { t: "stop.none" }))
}

/** The next page of a dialog: nothing of the one before stays, what was entered least of all. */
function step(dialog, draw) {
  for (const input of dialog.body.querySelectorAll("input, textarea")) input.value = ""
  fillWith(dialog.body)
  draw(dialog)
  dialog.focus()
}

/** What can be done with a pump now. */
function overview(dialog, view) {
  const { device, openCommand = null } = view
  const open = openCommands(device).find((each) => each.number === openCommand)
  const offered = view.isDriven && openCommand === null ? view.commands : []
  const go = (key, draw, members = {}) => button(key, () => step(dialog, draw), members)
  const asked = (ask) => (d) => simple(d, view, ask)
  const buttons = [
    offered.map((offer) => {
      const entered = () => step(dialog, (d) => draft(d, view, offer))
      return el("button.key", { type: "button", click: entered }, t("pumps.draft"), " ", num(offer.command))
    }),
    view.mustBeLookedAt ? go("pumps.lookedAt.do", asked("lookedAt")) : null,
    view.isLocked ? go("pumps.unlock.do", asked("unlock")) : null,
    go("pumps.history", asked("history")),
  ]
  dialog.body.append(
    about(device), ...pumpFacts(view).flat(), el("div", {}, open === undefined ? null : commandView(open)),
    el("div.buttons.acts", {}, openCommand === null ? null : ofCommand(dialog, view, openCommand, open), buttons))
}

/** What can be done with the command that is open. */
function ofCommand(dialog, view, number, open) {
  const stage = open?.stage ?? null
  const go = (key, draw, members = {}) => button(key, () => step(dialog, draw), members)
  const is = (...stages) => stage === null || stages.includes(stage)
  return [
    is("draft") ? go("pumps.verify.do", (d) => verify(d, view, number, open?.command ?? null)) : null,
    is("verified") ? go("pumps.start.do", (d) => start(d, view, number), { class: "danger" }) : null,
    is("draft", "verified") ? go("pumps.withdraw.do", (d) => numbered(d, view, "withdraw", number)) : null,
    is("uncertain") ? go("pumps.resolve.do", (d) => resolve(d, view, number)) : null,
  ]
}

// MARK: Entering

/** The quantities of a command, exactly as they are typed: nothing on the way repairs one. */
function entryForm(view, offer) {
  const made = offer.arguments.map(({ name, unit, range }) => {
    const hint = el("span", {}, num(unit), " · ", num(range))
    const { row, input } = field({
      label: { text: plain(name) }, hint, inputmode: "decimal", dir: "ltr", maxlength: 200, name: `quantity-${name}`,
      required: true,
    })
    return { name, row, input }
  })
  const order = field({ label: "pumps.order", dir: "ltr", maxlength: 200, autocapitalize: "none" })
  const reason = field({ label: "pumps.reason", dir: "auto", maxlength: 200 })
  const line = () => ({
    device: view.device, command: offer.command,
    entries: made.filter(({ input }) => input.value !== "")
      .map(({ name, input }) => ({ name, quantity: input.value }))
      .sort((one, other) => (one.name < other.name ? -1 : 1)),
    ...(order.input.value ? { order: order.input.value } : {}),
    ...(reason.input.value ? { reason: reason.input.value } : {}),
  })
  return { rows: [...made.map(({ row }) => row), order.row, reason.row], line }
}

function draft(dialog, view, offer) {
  const entry = entryForm(view, offer)
  const shown = el("div.preview", { role: "status" })
  // A preview is of what was entered when it was asked for: it does not stand beside anything else.
  for (const row of entry.rows) row.addEventListener("input", () => fillWith(shown))
  const form = actForm({
    dialog, submit: "pumps.draft.do", doubt: DOUBTFUL, line: () => ({ ask: "draft", ...entry.line() }),
    fields: [about(view.device), el("h3", {}, num(offer.command)), entry.rows, shown],
    done: (answer) => [...again("pumps.draft.done"), commandView(answer.command), next(dialog, view, answer.command)],
    preview: {
      key: "pumps.preview", line: () => ({ ask: "preview", ...entry.line() }),
      told: (answer) => previewed(shown, answer),
    },
  })
  dialog.body.append(form)
}

function previewed(shown, { bytes = "", words = "" }) {
  fillWith(
    shown, el("p", { t: "pumps.preview.note" }), el("p.said", { lang: "en", dir: "ltr" }, words),
    el("code", { dir: "ltr" }, bytesText(bytes)))
}

/** The one who comes next, at this screen: nothing of what was entered goes along. */
const next = (dialog, view, { number, command }) =>
  button("pumps.verify.do", () => step(dialog, (d) => verify(d, view, number, command)))

/** The second person enters the same, blind; who it is, is asked anew whoever stays signed in. */
function verify(dialog, view, number, command) {
  const offer = view.commands.find((each) => each.command === command)
  if (offer === undefined) {
    dialog.body.append(el("p", { t: "pumps.unknownOffer" }))
    return
  }
  const entry = entryForm(view, offer)
  dialog.body.append(
    actForm({
      dialog, submit: "pumps.verify.submit", isAnew: true, doubt: DOUBTFUL,
      fields: [
        about(view.device), el("h3", {}, t("pumps.command", { number }), " · ", num(command)),
        el("p.note", { t: "pumps.verify.note" }), entry.rows,
      ],
      line: () => ({ ask: "verify", number, ...entry.line() }),
      done: (answer) => [
        ...again("pumps.verify.done"), commandView(answer.command),
        button("pumps.start.do", () => step(dialog, (d) => start(d, view, number)), { class: "danger" }),
      ],
    }))
}

// MARK: Carrying out

function start(dialog, view, number) {
  dialog.body.append(
    actForm({
      dialog, submit: "pumps.start.do", danger: true, doubt: DOUBTFUL,
      fields: [
        about(view.device), el("p", {}, t("pumps.command", { number })), el("p.note", { t: "pumps.start.note" }),
      ],
      line: () => ({ ask: "start", number }),
      done: (answer, by) => {
        step(dialog, (d) => follow(d, answer.command, by))
        return null
      },
    }))
}

/** Looks at what becomes of a start until it is known, or long enough. Looking changes nothing. */
async function follow(dialog, first, by) {
  const place = el("div", { role: "status" })
  dialog.body.append(place)
  const end = performance.now() + FOLLOWED
  let view = first
  let doubted = null
  for (;;) {
    fillWith(place, commandView(view))
    if (isUncertain(view)) doubted ??= performance.now()
    const isLong = doubted !== null && performance.now() - doubted >= DOUBT
    if (view.stage === "ended" || isLong || performance.now() >= end) break
    await new Promise((resume) => setTimeout(resume, EVERY))
    if (!dialog.isOpen()) return dialog.tellAlways(t("pumps.followedNoMore"))
    const outcome = await say({ ask: "show", number: view.number, by })
    if (outcome.is !== "done") break
    view = outcome.answer.command
  }
  const kind = endOf(view)
  const words = [kind === "unknown" ? t("pumps.notKnown") : null, view.stage === "ended" ? stageWords(view) : null]
    .filter(Boolean)
  // The end stays in sight where it is not known, and where somebody closed the dialog while it was on its way.
  if (kind === "unknown" || !dialog.isOpen()) dialog.tellAlways(words.join(" "))
  fillWith(place, commandView(view), told(kind, words.map((text) => el("p", {}, text))))
  return undefined
}

function resolve(dialog, view, number) {
  const seen = choice({
    legend: t("pumps.resolve.seen"),
    options: ["inEffect", "notInEffect"].map((value) => ({ value, text: t(`pumps.resolve.${value}`) })),
  })
  dialog.body.append(
    actForm({
      dialog, submit: "pumps.resolve.do", isAnew: true, second: "pumps.resolve.second", doubt: DOUBTFUL,
      fields: [
        about(view.device), el("p", {}, t("pumps.command", { number })), el("p.note", { t: "pumps.resolve.note" }),
        seen.box,
      ],
      line: () => ({ ask: "resolve", number, seen: seen.value() }),
      done: (answer) => [...again("pumps.resolve.done"), answer.command ? commandView(answer.command) : null],
    }))
}

function numbered(dialog, view, ask, number) {
  dialog.body.append(
    actForm({
      dialog, submit: `pumps.${ask}.do`, doubt: DOUBTFUL,
      fields: [about(view.device), el("p", {}, t("pumps.command", { number }))], line: () => ({ ask, number }),
      done: (answer) => [...again(`pumps.${ask}.done`), answer.command ? commandView(answer.command) : null],
    }))
}

/** What is asked of the pump, without a command: looked at, unlock; and the newest commands. */
function simple(dialog, view, ask) {
  const isHistory = ask === "history"
  const line = () => (isHistory ? { ask, most: NEWEST } : { ask, device: view.device })
  const done = (answer) => (isHistory ? (answer.commands ?? []).map(commandView) : again(`pumps.${ask}.done`))
  dialog.body.append(
    actForm({
      dialog, submit: isHistory ? "pumps.history" : `pumps.${ask}.do`, line, done,
      doubt: isHistory ? "people.doubt.look" : DOUBTFUL,
      fields: [about(view.device), isHistory ? null : el("p.note", { t: `pumps.${ask}.note` })],
    }))
}
