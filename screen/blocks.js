// A block of numbers: its short word, its value with unit, what is wrong with it, and its limits.

import { made, setState, setText } from "./dom.js"
import { unitText } from "./metrics.js"
import { store } from "./store.js"
import { DASHES, ageParts } from "./values.js"
import { cleaned, has, inLanguage, t } from "./words.js"

// A result carries its age from here on. Unit: ms.
const AGE_SHOWN = 60000
const WORST = ["none", "stale", "invalid", "questionable", "fresh"]

/** "12 s ago". Unit of `age`: ms. */
export function ageText(age) {
  const [count, key] = ageParts(age)
  return t(key, { count })
}

/** Why there are dashes, or what is doubtful, in words; empty where all is well. */
export function noteText(shown) {
  if (shown.state === "none") return t("neverSeen")
  if (shown.state === "stale") return ageText(shown.age)
  if (shown.state === "invalid") return reasonText(shown.reason)
  return shown.state === "questionable" ? t("questionable") : ""
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

  refresh() {
    const shown = store.shown(this.n)
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
    const all = this.#values.map((value) => value.refresh())
    this.mean?.refresh()
    const second = this.second?.refresh()
    const worst = all.reduce((a, b) => (WORST.indexOf(b.state) < WORST.indexOf(a.state) ? b : a))
    setState(this.element, "data-state", worst.state)
    const isFine = worst.state === "fresh"
    const told = isFine && second && second.state !== "fresh"
      ? `${t(this.block.second.word)}: ${noteText(second)}`
      : isFine && this.#isResult && worst.age >= AGE_SHOWN ? ageText(worst.age) : noteText(worst)
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
