// How the past is worded: streams, beds, gaps and events by the names that people know, and the tables of them.

import { made } from "./dom.js"
import { unitText } from "./metrics.js"
import { store } from "./store.js"
import { cleaned, has, inLanguage, language, t, zoneName } from "./words.js"
import { eventParts, gapAt, parts, spanText, table, valueAt } from "./history-say.js"
import { momentText, zoneText } from "./history-time.js"
import { presentOf } from "./history-whose.js"

// Parts of the time in the table for those who hear the page.
const TABLE_PARTS = 24

/** The words of a name in a group of them; the name itself where there are none. */
export function word(group, name) { return has(`${group}.${name}`) ? t(`${group}.${name}`) : cleaned(name) }

/** Why values are missing. */
export function gapWord(name) { return has(`reason-${name}`) ? t(`reason-${name}`) : word("historyGap", name) }

/** What people call a bed. */
export function nameOfBed(id) {
  const bed = store.beds.get(id)
  return cleaned(inLanguage(bed?.name ?? id, bed?.nameArabic))
}

/** A stream's words, with its part of the device and its unit. */
export function labelOf(stream) {
  const name = cleaned(inLanguage(stream.label ?? stream.metric, stream.labelArabic))
  const unit = stream.unit ? `\u2066${cleaned(unitText(stream.unit))}\u2069` : ""
  return [name, stream.vmd ? `(${cleaned(stream.vmd)})` : "", unit].filter(Boolean).join(" ")
}

/** An event as [time, what, where, more about it]. */
export function eventTexts(event, words = (name) => word("historyEvent", name)) {
  const said = eventParts(event, zoneName(), words, language() === "ar")
  return [said.time, said.name, said.bed ? nameOfBed(said.bed) : cleaned(said.device), cleaned(said.said)]
}

/** Words that are harmless already, as an element that turns nothing round. */
export function phrase(text) { return made("bdi", { dir: "auto" }, text) }

/** A stream's value at a time, or why there is none, and whether it is somebody else's. */
export function readoutOf(data, stream, utc) {
  const value = valueAt(data, stream.n, utc)
  const gap = value ? null : gapAt(data, stream.n, utc)
  const isFormer = value && value.whose !== presentOf(stream.device)
  return made("span", { class: "history-value" }, phrase(labelOf(stream)), " ",
    made("b", {}, phrase(gap ? gapWord(gap) : spanText(value))), isFormer ? ` (${t("historyFormer")})` : "")
}

/** The least and the greatest values of the parts of what is shown. */
export function valuesTable(data, streams, { from, to }) {
  const zone = zoneName()
  const rows = streams.map((stream) => ({ ...stream, present: presentOf(stream.device) }))
  const found = data ? parts(data, rows, from, to, TABLE_PARTS, t("historyFormer")) : []
  return table({
    caption: zoneText(from, zone), head: [t("historyTime"), ...rows.map(labelOf)],
    rows: found.map((part) => [momentText(part.from, zone), ...part.values]) }, phrase)
}

/** What happened in the time that is shown. */
export function eventsTable(data, { from, to }) {
  const events = (data?.events ?? []).filter((event) => event.utc >= from && event.utc < to)
  return table({
    caption: data?.eventsMore ? t("historyEventsMore") : zoneText(from, zoneName()),
    head: ["historyTime", "historyWhat", "historyWhere", "historySaid"].map((key) => t(key)),
    rows: events.map((event) => eventTexts(event)) }, phrase)
}
