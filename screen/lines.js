// Lines that both a tile and a bed's screen have: who is there, the score, alarms, pumps.

import { made, setState, setText } from "./dom.js"
import { Value, noteText, reasonText } from "./blocks.js"
import { unitText } from "./metrics.js"
import { store } from "./store.js"
import { cleaned, has, inLanguage, plain, t, timeText } from "./words.js"

const PRIORITIES = ["high", "medium", "low"]
const SIGNS = { high: "!!!", medium: "!!", low: "!" }
const DAY = 86400000

/** How an alarm is signalled: "given", "paused", "off" or "seen". A pause ends by itself. */
export function signalOf(alarm) {
  if (alarm.presence === "ack") return "seen"
  if (alarm.activation === "off") return "off"
  const isOver = Number.isFinite(alarm.until) && store.now().mono >= alarm.until
  return alarm.activation === "paused" && !isOver ? "paused" : "given"
}

/** Whether an alarm waits for nobody any more: somebody has seen it, or it is switched off. */
export function isQuiet(alarm) { return ["seen", "off"].includes(signalOf(alarm)) }

const rank = (alarm) => PRIORITIES.indexOf(alarm.priority) + (isQuiet(alarm) ? 10 : 0)

/** Alarms of a bed (null: of none), the worst first. */
export function alarmsOf(bed) {
  return [...store.alarms.values()].filter((one) => (one.bed ?? null) === bed)
    .sort((a, b) => rank(a) - rank(b) || (a.began ?? 0) - (b.began ?? 0))
}

/** The state of an alarm in words, where it is not simply standing. */
export function alarmState(alarm) {
  const signal = signalOf(alarm)
  return [
    signal === "seen" && t("acknowledged"), alarm.presence === "latched" && t("latched"),
    signal === "paused" && t("pausedAlarm"), signal === "off" && t("offAlarm"),
    alarm.unconfirmed && t("unconfirmed"),
  ].filter(Boolean).join(" · ")
}

/** What an alarm's chip says: sign, words, state. Its colour is never all that tells its priority. */
export function alarmWords(alarm) {
  const priority = PRIORITIES.includes(alarm.priority) ? alarm.priority : "low"
  const state = alarmState(alarm)
  return [
    made("span", { class: "priority" }, made("span", { class: "mark", "aria-hidden": "true" }, SIGNS[priority]),
      made("span", { class: "unseen" }, t(`priority-${priority}`))),
    made("span", { class: "cause" }, plain(inLanguage(alarm.text, alarm.textArabic) || alarm.alert)),
    ...(state ? [made("span", { class: "state" }, state)] : []),
  ]
}

/** An alarm as a chip that is pressed; alarms.css gives its signal by priority and state. */
export function alarmChip(alarm, press) {
  const chip = made("button", { type: "button", class: "alarm", click: press }, ...alarmWords(alarm))
  chip.dataset.priority = PRIORITIES.includes(alarm.priority) ? alarm.priority : "low"
  chip.dataset.signal = signalOf(alarm)
  return chip
}

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

const comma = () => (document.documentElement.lang === "ar" ? "، " : ", ")

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
    setText(this.drug, this.pump.drug ? cleaned(this.pump.drug) : t("noDrug"))
    setState(this.drug, "data-state", this.pump.drug ? undefined : "none")
    const link = store.devices.get(this.pump.device)?.link
    setText(this.note, wrong ? (link === "answering" || !link ? noteText(wrong) : reasonText("stale")) : "")
  }
}

/** Pumps of a bed, in their device's order. */
export function pumpsOf(bed) { return (store.picture?.pumps ?? []).filter((one) => (one.bed ?? null) === bed) }
