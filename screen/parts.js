// Elements, made without markup in strings: the content security policy takes none, and no device's text becomes any.

import { made } from "./dom.js"
import { t } from "./words.js"

/**
 * An element.
 *
 * @param what its name, with classes: `p.note.late`.
 * @param members as `made` takes them; `t` is a key of words, `values` what stands in them.
 * @param children nodes or texts, in lists or not; null: none.
 */
export function el(what, { t: key, values, ...members } = {}, ...children) {
  const [name, ...classes] = what.split(".")
  const words = key === undefined ? null : t(key, values)
  // What has no values in it is filled anew by itself when the language changes.
  const isFilled = key !== undefined && values === undefined && children.length === 0
  return made(
    name, { class: classes.join(" ") || null, "data-t": isFilled ? key : null, ...members }, words,
    ...children.flat(Infinity))
}

/** A button that submits nothing. `members.class` is beside that of a key. */
export const button = (key, press, { class: kind = "", ...members } = {}) =>
  el(`button.key${kind ? `.${kind}` : ""}`, { type: "button", t: key, click: press, ...members })

let count = 0
/** A name that no other element has. */
export const fresh = (word) => `${word}-${(count += 1)}`

/**
 * A field with its label.
 *
 * @param given `label` is a key of words or `{ text }`; all else are attributes of the input.
 */
export function field({ label, values, hint, ...attributes }) {
  const id = fresh("field")
  const input = el("input", { id, type: "text", autocomplete: "off", spellcheck: "false", ...attributes })
  const name = el("label", { for: id }, typeof label === "string" ? t(label, values) : label.text)
  const parts = [name]
  if (hint !== undefined) {
    const told = el("small", { id: fresh("hint") }, hint)
    input.setAttribute("aria-describedby", told.id)
    parts.push(told)
  }
  return { row: el("div.field", {}, parts, input), input }
}

/**
 * One of several, as large as a gloved finger.
 *
 * @param options `{ value, text, checked }` each.
 */
export function choice({ legend, options, name = fresh("choice"), required = true, columns = false }) {
  const rows = options.map(({ value, text, checked = false }) => {
    const id = fresh("option")
    const input = el("input", { id, type: "radio", name, value, required, checked })
    return el("div.option", {}, input, el("label", { for: id }, text))
  })
  const box = el("fieldset.choice", {}, el("legend", {}, legend), el(columns ? "div.columns" : "div", {}, rows))
  return {
    box,
    /** What is chosen; `null`: nothing. */
    value: () => box.querySelector("input:checked")?.value ?? null,
    onChange: (act) => box.addEventListener("change", act),
  }
}

/** Puts these in place of all that a node holds. */
export const fillWith = (node, ...children) => node.replaceChildren(...children.flat(Infinity).filter(Boolean))

/**
 * Children of a node that stay the same elements as long as their keys are there, in the order of a list.
 *
 * @param keyOf an item's key.
 * @param makeRow gives `{ node, update(item) }`.
 * @param wrapping the name of an element around each; null: none.
 */
export function keyed(node, keyOf, makeRow, wrapping = null) {
  let rows = new Map()
  const made = () => {
    const row = makeRow()
    return { ...row, outer: wrapping === null ? row.node : el(wrapping, {}, row.node) }
  }
  const update = (items) => {
    const kept = new Map()
    for (const item of items) {
      const key = keyOf(item)
      if (!kept.has(key)) kept.set(key, rows.get(key) ?? made())
      kept.get(key).update(item)
    }
    for (const [key, row] of rows) if (!kept.has(key)) row.outer.remove()
    rows = kept
    order(node, [...kept.values()].map((row) => row.outer))
  }
  const clear = () => {
    rows = new Map()
    node.replaceChildren()
  }
  return { node, update, clear }
}

/** Puts elements into an order; one that has the focus keeps it. */
function order(node, wanted) {
  const at = document.activeElement
  let isMoved = false
  wanted.forEach((each, place) => {
    if (node.children[place] === each) return
    node.insertBefore(each, node.children[place] ?? null)
    isMoved = true
  })
  if (isMoved && at !== document.activeElement && at?.isConnected) at.focus()
}
