// An alarm in words of the screen's language.

import { store } from "./store.js"
import { inLanguage, language, num, plain, t } from "./words.js"
import { el } from "./parts.js"
import { MARKS, signal } from "./alarm-rules.js"

/** What people call a bed; the unit where there is none. A text. */
export function placeName(bed) {
  if (bed === null || bed === undefined || bed === "") return t("alarms.unit")
  const known = store.beds?.get(bed)
  return inLanguage(known?.name, known?.nameArabic) || bed
}

/** What an alarm says, as a node: the words come from devices too. Its bed stands beside it, and is not said twice. */
export function cause(alarm) {
  const words = inLanguage(alarm.text, alarm.textArabic) || alarm.alert
  const place = `${placeName(alarm.bed)}: `
  return mixed(words.startsWith(place) ? words.slice(place.length) : words)
}

/** Numbers with their units, names and handles within a sentence. */
const LATIN = /[A-Za-z0-9+/-][A-Za-z0-9+./ %[\]_:-]*[A-Za-z0-9%\]]|[A-Za-z0-9]/g

/** A sentence in which whatever is not Arabic stays in its own order: `130 /min`, `2026-11-30`. */
export function mixed(text) {
  const sentence = plain(text)
  const whole = sentence.textContent
  if (language() !== "ar") return sentence
  const nodes = []
  let at = 0
  for (const { 0: run, index } of whole.matchAll(LATIN)) {
    nodes.push(whole.slice(at, index), num(run))
    at = index + run.length
  }
  sentence.replaceChildren(...nodes, whole.slice(at))
  return sentence
}

/** Bed, and the device within it. A text; a device's handle is the unit's own. */
export function where(alarm) {
  const device = [alarm.device, alarm.vmd].filter(Boolean).join(" ")
  return { place: placeName(alarm.bed), device }
}

/** Minutes and seconds, hours and minutes, or days: `3:05`, `2 h 10 min`. */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const two = (number) => String(number).padStart(2, "0")
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)]
  if (hours < 48) return t("alarms.hours", { hours, minutes })
  return t("alarms.days", { days: Math.floor(seconds / 86_400) })
}

/** What is to be known of an alarm beside what it says: texts. */
export function states(alarm, now) {
  const words = []
  if (alarm.unconfirmed) words.push(t("alarms.state.doubt"))
  if (alarm.escalated) words.push(t("alarms.state.nobody"))
  if (alarm.presence === "latched") words.push(t("alarms.state.latched"))
  if (alarm.presence === "ack") words.push(t("alarms.state.ack", { by: (alarm.acknowledgedBy ?? []).join(", ") }))
  const given = signal(alarm, now.mono)
  if (given === "paused") words.push(t("alarms.state.paused", { left: age((alarm.until ?? now.mono) - now.mono) }))
  if (given === "off") words.push(t("alarms.state.off"))
  if (alarm.presence === "on" && given === "given" && words.length === 0) words.push(t("alarms.state.on"))
  return words
}

/** The same in a word each, for where there is little room. */
export function shortStates(alarm, now) {
  const given = signal(alarm, now.mono)
  return [
    alarm.unconfirmed ? t("alarms.short.doubt") : null,
    alarm.escalated ? t("alarms.short.nobody") : null,
    alarm.presence === "latched" ? t("alarms.short.latched") : null,
    alarm.presence === "ack" ? t("alarms.short.ack") : null,
    given === "paused" ? t("alarms.short.paused", { left: age((alarm.until ?? now.mono) - now.mono) }) : null,
    given === "off" ? t("alarms.short.off") : null,
  ].filter((words) => words !== null)
}

/** How urgent, in a mark and a word: never by a colour alone. */
export function priority(alarm) {
  const known = Object.hasOwn(MARKS, alarm.priority ?? "") ? alarm.priority : "none"
  return el(
    `span.priority.${known}`, {}, el("span.urgency", { "aria-hidden": "true" }, MARKS[known] ?? "·"),
    el("span.word", { t: `alarms.priority.${known}` }))
}

/** One line: priority, place, device, what it says. */
export function alarmLine(alarm) {
  const { place, device } = where(alarm)
  return [
    priority(alarm), " ", el("strong", {}, plain(place)), device ? [" · ", num(device)] : [], " · ", cause(alarm),
  ].flat()
}
