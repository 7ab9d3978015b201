// The trends of a bed: a low row for each of its numbers over the last hours, with the limits of its alarms.

import { made, setText } from "./dom.js"
import { cleaned, fill, has, plain, t, zoneName } from "./words.js"
import { unitText } from "./metrics.js"
import { store } from "./store.js"
import { Plot, coloursOf } from "./history-plot.js"
import { Rolling } from "./history-roll.js"
import { parts, spanOf, table } from "./history-say.js"
import { Sheet, labelOf } from "./history-sheet.js"
import { phrase } from "./history-words.js"
import { clockText, zoneText } from "./history-time.js"
import { hasFormer, presentOf } from "./history-whose.js"

export { mountInfusions } from "./infusions.js"

/** Of a low row. Unit: CSS pixels. */
const ROW = { gutter: 44, right: 8, mark: 0, events: 0, title: 2, gap: 6, axis: 0 }
const AXIS = { ...ROW, axis: 34 }
const HEIGHT = 56
const HOUR = 3600000

/** Shows the trends of a bed; gives what takes them away again. */
export function mountTrends(container, { bed, hours = 24 }) {
  const trends = new Trends(container, bed, hours)
  return () => trends.end()
}

/** The numbers of a bed's devices, without what is set. */
export function numbersOf(bed) {
  const devices = new Set(store.beds.get(bed)?.devices ?? [])
  return [...store.streams.values()].filter((stream) =>
    devices.has(stream.device) && stream.kind === "number" && stream.category === "measurement")
}

class Trends {
  constructor(container, bed, hours) {
    Object.assign(this, { container, bed, hours, data: null, error: null, rows: new Map() })
    this.list = made("div")
    this.fault = made("p", { class: "history-fault", role: "status" })
    this.former = made("p", { class: "history-former", "data-t": "historyFormerKey", hidden: true })
    this.body = made("div", { class: "history-scroll", tabindex: "0", role: "group", "data-t-label": "historyTable" })
    this.values = made("details", {}, made("summary", { "data-t": "historyTable" }), this.body)
    this.values.addEventListener("toggle", () => this.sayTable())
    this.axis = new Sheet("trends-axis", AXIS.axis, AXIS, (context, size) => this.draw(context, size, null))
    this.section = made(
      "div", { class: "trends", role: "group" }, this.list, this.axis.element, this.former, this.fault,
      this.values)
    container.replaceChildren(this.section)
    this.ending = new AbortController()
    const listen = (name, act) => store.addEventListener(name, act, { signal: this.ending.signal })
    this.rolling = new Rolling({
      hours, now: () => store.now().utc, wanted: () => numbersOf(bed).map((stream) => stream.n),
      whose: () => store.beds.get(bed)?.patient?.binding ?? null,
      changed: (data, error) => this.take(data, error) })
    listen("picture", () => {
      // Somebody else may be at the bed now: nothing is shown as theirs meanwhile.
      this.say()
      this.rolling.ask()
    })
    listen("language", () => this.say())
    // Limits may have been chosen anew.
    listen("beat", ({ detail }) => { if (detail?.beds?.includes(bed)) this.redraw() })
    this.say()
  }

  end() {
    this.ending.abort()
    this.rolling.end()
    for (const row of [...this.rows.values(), { sheet: this.axis }]) row.sheet.end()
    this.container.replaceChildren()
  }

  take(data, error) {
    performance.mark("trends-answer")
    Object.assign(this, { data, error })
    this.say()
  }

  say() {
    fill(this.container)
    this.section.setAttribute("aria-label", t("trendsTitle", { hours: this.hours }))
    const streams = numbersOf(this.bed)
    for (const [n, row] of this.rows) {
      if (streams.some((stream) => stream.n === n)) continue
      row.sheet.end()
      this.rows.delete(n)
    }
    for (const stream of streams) if (!this.rows.has(stream.n)) this.rows.set(stream.n, this.made(stream))
    this.list.replaceChildren(...streams.map((stream) => this.rows.get(stream.n).element))
    if (streams.length === 0) this.list.replaceChildren(t("trendsNone"))
    for (const stream of streams) this.sayRow(stream, this.rows.get(stream.n))
    const key = `historyFault.${this.error?.code}`
    setText(this.fault, this.error ? t(has(key) ? key : "historyFault.other") : "")
    const data = this.data
    this.former.hidden = !data || !streams.some((stream) =>
      hasFormer(data, stream.n, presentOf(stream.device), data.from, data.to))
    this.sayTable()
    this.redraw()
  }

  made(stream) {
    const row = { name: made("span"), span: made("small"), link: made("a") }
    row.sheet = new Sheet("trends-curve", HEIGHT, ROW, (context, size) => this.draw(context, size, stream))
    row.link.append(row.name)
    row.element = made("div", { class: "trends-row" }, made("div", { class: "trends-head" }, row.link, row.span),
      row.sheet.element)
    return row
  }

  sayRow(stream, row) {
    const unit = cleaned(unitText(stream.unit))
    row.name.replaceChildren(plain(labelOf(stream)), " ", made("small", {}, plain(unit)))
    const data = this.data
    const span = data ? spanOf(data, stream.n, data.from, data.to, presentOf(stream.device)) : null
    setText(row.span, span ? t("trendsSpan", span) : this.data ? t("trendsNothing") : t("historyLoading"))
    const place = encodeURIComponent(`bed:${this.bed}`)
    const time = this.data ? `&from=${this.data.from}&to=${this.data.to}` : ""
    row.link.setAttribute("href", `#/history?place=${place}&streams=${stream.n}${time}`)
    row.link.title = t("trendsOpen")
  }

  redraw() {
    for (const row of this.rows.values()) row.sheet.redraw()
    this.axis.redraw()
  }

  /** The limits of the bed's alarms for a metric, as numbers. */
  limitsOf(metric) {
    const limits = store.beds.get(this.bed)?.preset?.limits
    return (Array.isArray(limits) ? limits : []).filter((limit) => limit?.metric === metric)
      .flatMap((limit) => [limit.low, limit.high]).filter((text) => text !== null && text !== undefined)
      .map(Number).filter(Number.isFinite)
  }

  draw(context, size, stream) {
    const colours = coloursOf(this.section)
    const now = Math.ceil(store.now().utc / 60000) * 60000
    const [from, to] = this.data ? [this.data.from, this.data.to] : [now - this.hours * HOUR, now]
    const rows = stream ? [{
      n: stream.n, present: presentOf(stream.device), title: "", gapWord: () => "",
      limits: this.limitsOf(stream.metric), data: this.data }] : []
    new Plot(context, size, {
      from, to, zone: zoneName(), isRight: false, mark: null, rows, events: [], cursor: null, points: [], colours,
    }).draw()
    performance.mark("trends-drawn")
  }

  sayTable() {
    if (!this.values.open) return
    const streams = numbersOf(this.bed).map((stream) => ({ ...stream, present: presentOf(stream.device) }))
    const [zone, data] = [zoneName(), this.data]
    const found = data ? parts(data, streams, data.from, data.to, this.hours, t("historyFormer")) : []
    this.body.replaceChildren(table({
      caption: zoneText(store.now().utc, zone), head: [t("historyTime"), ...streams.map(labelOf)],
      rows: found.map((part) => [clockText(part.from, zone, 60000), ...part.values]) }, phrase))
  }
}
