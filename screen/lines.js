// What both a tile and a bed's screen tell: who is there, the score, which alarms, the pumps.

import { sorted } from "./alarm-rules.js"
import { made, setState, setText } from "./dom.js"
import { Value, noteText, reasonText } from "./blocks.js"
import { unitText } from "./metrics.js"
import { store } from "./store.js"
import { DASHES } from "./values.js"
import { cleaned, has, t, timeText } from "./words.js"

const DAY = 86400000

/** Alarms of a bed (null: of none), the worst first. */
export function alarmsOf(bed) { return sorted([...store.alarms.values()].filter((one) => (one.bed ?? null) === bed)) }

/** What people.js knows of who is at a bed, for those who may: the name, or else what is typed first. */
export function nameOf(people, bed) {
  const known = people?.patientOf?.(bed)
  return known ? known.name ?? Object.values(known)[0] : undefined
}

/** Who is at a bed, as far as the record says it. `name` is what people.js knows, for those who may. */
export function patientText(bed, name) {
  if (bed.isLost) return t("patientLost")
  if (!bed.patient) return t("unbound")
  const { since, binding } = bed.patient
  const date = store.now().utc - since > DAY
  return [name && cleaned(name), t("bound", { time: timeText(since, { date }) }), t("boundNumber", { number: binding })]
    .filter(Boolean).join(" · ")
}

/** What a part of a score, or an entry, is called. */
export function partText(part) { return has(`part-${part}`) ? t(`part-${part}`) : cleaned(part) }

/** The score as {text, detail, isWhole}; undefined where the bed has none. */
export function scoreText(bed) {
  const score = bed.score
  if (!score) return undefined
  const parts = (score.missing ?? []).map((one) => partText(one?.part ?? one))
  if (score.total === null || score.total === undefined) {
    const detail = t("scoreMissing", { parts: parts.join(comma()) })
    return { text: t("scoreIncomplete", { score: cleaned(score.score) }), detail, isWhole: false }
  }
  return { text: t("score", { score: cleaned(score.score), total: score.total }), detail: "", isWhole: true }
}

export const comma = () => (document.documentElement.lang === "ar" ? "، " : ", ")

/**
 * What a pump says it infuses: {text, state, note}; the drug is a stream as any other, whose text may be of before.
 *
 * @returns `state` as of values.js, and "none" too where the pump has no such stream, or says nothing in it
 */
export function drugOf(pump) {
  const shown = Number.isInteger(pump.drug) ? store.shown(pump.drug) : null
  const counts = shown !== null && (shown.state === "fresh" || shown.state === "questionable")
  if (shown === null || (counts && shown.text.trim() === "")) return { text: t("noDrug"), state: "none", note: "" }
  return { text: counts ? cleaned(shown.text) : DASHES, state: shown.state, note: noteText(shown) }
}

/** A pump's line: drug, rate, volume given of how much, time left. */
export class PumpLine {
  #values = []

  constructor(pump) {
    this.pump = pump
    this.drug = made("bdi", { class: "pump-drug" })
    this.note = made("span", { class: "pump-note" })
    this.element = made("div", { class: "pump-line" }, this.drug, this.#value("rate", "pump-rate"),
      this.#value("volume", "pump-volume", "pumpGiven"), this.#value("toBeInfused", "pump-rest", "pumpToGive"),
      this.#value("timeLeft", "pump-left", "pumpLeft"), this.note)
    this.refresh()
  }

  #value(member, name, word) {
    const n = this.pump[member]
    if (!Number.isInteger(n)) return undefined
    const value = new Value(n)
    this.#values.push(value)
    const unit = made("bdi", { class: "unit", dir: "ltr" }, cleaned(unitText(store.streams.get(n)?.unit)))
    const label = word && made("span", { class: "pump-word" }, t(word), " ")
    return made("span", { class: `pump-part ${name}` }, label, made("span", { dir: "ltr" }, value.element, " ", unit))
  }

  refresh() {
    const all = this.#values.map((value) => value.refresh())
    const wrong = all.find((one) => one.state !== "fresh")
    const drug = drugOf(this.pump)
    setText(this.drug, drug.text)
    setState(this.drug, "data-state", drug.state === "fresh" ? undefined : drug.state)
    const oldest = all.reduce((a, b) => (b.isResult && !(a?.isResult && a.age >= b.age) ? b : a), undefined)
    const note = wrong ? noteText(wrong) : drug.note || (oldest ? noteText(oldest) : "")
    const link = store.devices.get(this.pump.device)?.link
    setText(this.note, note && (link === "answering" || !link ? note : reasonText("stale")))
  }
}

/** Pumps of a bed, in their device's order. */
export function pumpsOf(bed) { return (store.picture?.pumps ?? []).filter((one) => (one.bed ?? null) === bed) }
