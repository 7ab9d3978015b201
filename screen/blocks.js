// A block of numbers: its short word, its value with unit, what is wrong with it, and its limits.

import { made, setState, setText } from "./dom.js"
import { unitText } from "./metrics.js"
import { store } from "./store.js"
import { DASHES, ageParts } from "./values.js"
import { cleaned, has, inLanguage, t } from "./words.js"

// A result carries its age from here on. Unit: ms.
const AGE_SHOWN = 60000
// Parts of one result have times that differ by no more. Unit: ms.
const APART = 5000
const WORST = ["none", "stale", "invalid", "questionable", "fresh"]

/** "12 s ago". Unit of `age`: ms. */
export function ageText(age) {
  const [count, key] = ageParts(age)
  return t(key, { count })
}

/** Why there are dashes, what is doubtful, or how old a result is, in words; empty where all is well and of now. */
export function noteText(shown) {
  if (shown.state === "none") return t("neverSeen")
  if (shown.state === "stale") return ageText(shown.age)
  if (shown.state === "invalid") return reasonText(shown.reason)
  const age = shown.isResult && shown.age >= AGE_SHOWN ? ageText(shown.age) : null
  return [shown.state === "questionable" ? t("questionable") : null, age].filter(Boolean).join(" · ")
}

export function reasonText(reason) {
  return has(`reason-${reason}`) ? t(`reason-${reason}`) : t("reason-invalid")
}

/** What a stream is called: the short word of its metric, or what its device calls it. */
export function labelOf(block) {
  const stream = block.parts?.[0] ?? block.stream
  return block.word ? t(block.word) : cleaned(inLanguage(stream.label, stream.labelArabic) || stream.metric)
}

/** A value's place: dashes where nothing counts now. Long ones are smaller, never cut. */
export class Value {
  constructor(n, name = "bdi") {
    this.n = n
    this.element = made(name, { dir: "ltr", class: "value", "data-n": n })
  }

  /** When the newest one was; -Infinity where there is none. Unit: ms of the server's clock. */
  get time() { return store.values.get(this.n)?.t ?? -Infinity }

  /** @param since what is of before is dashes. Unit: ms of the server's clock. */
  refresh(since = -Infinity) {
    const now = store.shown(this.n)
    const shown = this.time < since ? { ...now, state: "stale", text: DASHES, reason: "stale" } : now
    const text = shown.text === DASHES ? DASHES : cleaned(shown.text)
    setText(this.element, text)
    setState(this.element, "data-state", shown.state)
    setState(this.element, "data-long", text.length > 12 ? "very" : text.length > 5 ? "rather" : undefined)
    return shown
  }
}

/** The block as a view, empty until `name()`; `refresh()` writes what changed. */
export class Block {
  #values
  #note = made("span", { class: "block-note" })
  #limits = made("span", { class: "block-limits", dir: "ltr" })

  constructor(block) {
    this.block = block
    this.#values = block.parts.map((part) => new Value(part.n))
    const large = made("span", { class: "block-value", dir: "ltr" })
    this.#values.forEach((value, place) => large.append(...(place ? [made("span", { class: "slash" }, "/")] : []),
      value.element))
    this.mean = block.mean && new Value(block.mean.n)
    if (this.mean) large.append(made("span", { class: "mean" }, "(", this.mean.element, ")"))
    this.label = made("span", { class: "block-label" })
    const unit = made("bdi", { class: "unit", dir: "ltr" }, cleaned(unitText(block.unit)))
    const { device, vmd } = block.parts[0]
    const from = block.again ? made("bdi", { class: "from" }, cleaned([device, vmd].filter(Boolean).join(" "))) : null
    const head = made("span", { class: "block-head" }, this.label, unit, from, this.#limits)
    this.element = made("div", { class: `block colour-${block.colour}` }, head, large, this.#note)
    if (block.again) this.element.classList.add("again")
    if (block.second) {
      this.second = new Value(block.second.stream.n)
      this.secondLabel = made("span", { class: "block-label" })
      this.element.append(made("span", { class: "second" }, this.secondLabel, " ", this.second.element))
    }
  }

  /** Writes the words again, in the language that is chosen now. */
  name() {
    setText(this.label, labelOf(this.block))
    this.label.title = labelOf({ stream: this.block.parts[0] })
    if (this.second) setText(this.secondLabel, t(this.block.second.word))
    this.refresh()
  }

  get #isResult() { return store.streams.get(this.block.parts[0].n)?.staleAfter === null }

  refresh() {
    const parts = this.mean ? [...this.#values, this.mean] : this.#values
    // What is left of an earlier result is no part of this one.
    const since = this.#isResult ? Math.max(...parts.map((part) => part.time)) - APART : -Infinity
    const judged = parts.map((part) => part.refresh(since))
    // A device that tells no mean at all lacks nothing.
    const all = judged.filter((one, place) => place < this.#values.length || one.state !== "none")
    const second = this.second?.refresh()
    const worst = all.reduce((a, b) => (WORST.indexOf(b.state) < WORST.indexOf(a.state) ? b : a))
    setState(this.element, "data-state", worst.state)
    const age = Math.max(...all.map((one) => one.age ?? 0))
    const told = worst.state === "fresh" && second && second.state !== "fresh"
      ? `${t(this.block.second.word)}: ${noteText(second)}` : noteText({ ...worst, age })
    setText(this.#note, told)
  }

  /** Shows the limits that a value meets first. */
  limit(limits) {
    const own = limits.filter((one) => one.metric === this.block.parts[0].metric)
    const numbers = (side) => own.map((one) => one[side]).filter((text) => typeof text === "string" && text !== "")
    const high = numbers("high").sort((a, b) => a - b)[0]
    const low = numbers("low").sort((a, b) => b - a)[0]
    setText(this.#limits, [high && `↑${cleaned(high)}`, low && `↓${cleaned(low)}`].filter(Boolean).join(" "))
  }
}
