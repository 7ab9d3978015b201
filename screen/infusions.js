// The infusions of a bed: what each pump was set to against what it delivered, with what was done to it.

import { made, setText } from "./dom.js"
import { cleaned, fill, has, t, zoneName } from "./words.js"
import { unitText } from "./metrics.js"
import { drugOf } from "./lines.js"
import { store } from "./store.js"
import { Plot, coloursOf } from "./history-plot.js"
import { Rolling } from "./history-roll.js"
import { table } from "./history-say.js"
import { zoneText } from "./history-time.js"
import { Sheet, labelOf } from "./history-sheet.js"
import { eventTexts, gapWord, phrase } from "./history-words.js"
import { hasFormer, presentOf, whoseAt } from "./history-whose.js"

/** Of a pump's row. Unit: CSS pixels. */
const ROW = { gutter: 52, right: 48, mark: 0, events: 16, title: 4, gap: 18, axis: 34 }
const HEIGHT = 150
const HOURS = 12
const HOUR = 3600000

/** Shows the infusions of a bed; gives what takes them away again. */
export function mountInfusions(container, { bed, hours = HOURS }) {
  const infusions = new Infusions(container, bed, hours)
  return () => infusions.end()
}

const isNumber = Number.isSafeInteger

/** When a pump began to run and when it came to stand, as its rate shows: no value, no statement. */
export function turns(data, n) {
  const stream = data?.streams.get(n)
  const found = []
  let last = -1
  for (let index = 0; index < (stream ? data.columns : 0); index += 1) {
    if (Number.isNaN(stream.low[index])) continue
    const utc = data.from + (index * (data.to - data.from)) / data.columns
    const isMissing = stream.gaps.some((gap) => gap.from < utc && last >= 0 && gap.to > utc - 2 * 60000)
    const [ran, runs] = [last >= 0 && stream.high[last] > 0, stream.high[index] > 0]
    if (last >= 0 && ran !== runs && !isMissing) {
      found.push({ utc, name: runs ? "infusionsStarted" : "infusionsStopped", device: null, instance: null, more: {} })
    }
    last = index
  }
  return found
}

class Infusions {
  constructor(container, bed, hours) {
    Object.assign(this, { container, bed, hours, data: null, error: null, rows: new Map() })
    this.list = made("div")
    this.fault = made("p", { class: "history-fault", role: "status" })
    this.former = made("p", { class: "history-former", "data-t": "historyFormerKey", hidden: true })
    this.body = made("div", {
      class: "history-scroll", tabindex: "0", role: "group", "data-t-label": "infusionsEvents" })
    this.events = made("details", {}, made("summary", { "data-t": "infusionsEvents" }), this.body)
    this.events.addEventListener("toggle", () => this.sayEvents())
    this.section = made("div", { class: "infusions", role: "group", "data-t-label": "infusionsTitle" },
      this.list, this.former, this.fault, this.events)
    container.replaceChildren(this.section)
    this.ending = new AbortController()
    const listen = (name, act) => store.addEventListener(name, act, { signal: this.ending.signal })
    this.rolling = new Rolling({
      hours, now: () => store.now().utc, wanted: () => this.wanted(),
      whose: () => store.beds.get(bed)?.patient?.binding ?? null,
      changed: (data, error) => {
        Object.assign(this, { data, error })
        this.say()
      } })
    listen("picture", () => {
      // Somebody else may be at the bed now: nothing is shown as theirs meanwhile.
      this.say()
      this.rolling.ask()
    })
    listen("language", () => this.say())
    listen("link", () => this.sayNow())
    listen("beat", ({ detail }) => { if (detail?.pumps || detail?.values) this.sayNow() })
    this.say()
  }

  end() {
    this.ending.abort()
    this.rolling.end()
    for (const row of this.rows.values()) row.sheet.end()
    this.container.replaceChildren()
  }

  pumps() { return (store.picture?.pumps ?? []).filter((pump) => pump.bed === this.bed && isNumber(pump.rate)) }

  wanted() {
    const numbers = this.pumps().flatMap((pump) => [pump.rate, pump.volume, pump.toBeInfused])
    return [...new Set(numbers.filter(isNumber))]
  }

  keyOf(pump) { return `${pump.device} ${pump.vmd ?? ""}` }

  say() {
    fill(this.container)
    const pumps = this.pumps()
    const keys = new Set(pumps.map((pump) => this.keyOf(pump)))
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue
      row.sheet.end()
      this.rows.delete(key)
    }
    for (const pump of pumps) if (!this.rows.has(this.keyOf(pump))) this.rows.set(this.keyOf(pump), this.made(pump))
    this.list.replaceChildren(...pumps.map((pump) => this.rows.get(this.keyOf(pump)).element))
    if (pumps.length === 0) this.list.replaceChildren(t("infusionsNone"))
    const key = `historyFault.${this.error?.code}`
    setText(this.fault, this.error ? t(has(key) ? key : "historyFault.other") : "")
    const data = this.data
    this.former.hidden = !data || !pumps.some((pump) =>
      hasFormer(data, pump.rate, presentOf(pump.device), data.from, data.to))
    this.sayNow()
    this.sayEvents()
    for (const row of this.rows.values()) row.sheet.redraw()
  }

  made(pump) {
    const row = { name: made("span"), now: made("small"), keys: made("span") }
    row.sheet = new Sheet("infusions-curve", HEIGHT, ROW, (context, size) => this.draw(context, size, this.keyOf(pump)))
    row.element = made("div", { class: "infusions-row" },
      made("div", { class: "trends-head" }, row.name, row.keys, row.now), row.sheet.element)
    return row
  }

  shown(n) {
    const stream = store.streams.get(n)
    const shown = store.shown(n)
    return `${shown.text} ${cleaned(unitText(stream?.unit))}`
  }

  sayNow() {
    for (const pump of this.pumps()) {
      const row = this.rows.get(this.keyOf(pump))
      if (!row) continue
      const drug = drugOf(pump)
      const where = [pump.device, pump.vmd].filter(Boolean).map(cleaned).join(" · ")
      const note = drug.note && ` · ${drug.note}`
      setText(row.name, `\u2068${drug.text}\u2069 (\u2068${where}\u2069)${note}`)
      setText(row.now, t("infusionsNow", { rate: this.shown(pump.rate), volume: this.shown(pump.volume) }))
      const legend = (kind, n, key) => made("span", { class: `infusions-key ${kind}` }, t(key),
        store.streams.has(n) ? ` (${labelOf(store.streams.get(n))}) ` : " ")
      row.keys.replaceChildren(legend("rate", pump.rate, "infusionsRate"),
        ...(isNumber(pump.volume) ? [legend("volume", pump.volume, "infusionsVolume")] : []),
        ...(isNumber(pump.toBeInfused) ? [legend("target", pump.toBeInfused, "infusionsTarget")] : []))
    }
  }

  eventsOf(pump) {
    const own = (this.data?.events ?? []).filter((event) =>
      event.device === pump.device && (!pump.vmd || !event.more.vmd || event.more.vmd === pump.vmd))
    return [...own, ...turns(this.data, pump.rate)].sort((one, other) => one.utc - other.utc)
  }

  draw(context, size, key) {
    const pump = this.pumps().find((one) => this.keyOf(one) === key)
    const now = Math.ceil(store.now().utc / 60000) * 60000
    const [from, to] = this.data ? [this.data.from, this.data.to] : [now - this.hours * HOUR, now]
    const rows = pump ? [{
      n: pump.rate, present: presentOf(pump.device), title: "", gapWord, limits: [], data: this.data, within: [0],
      second: isNumber(pump.volume) ? { n: pump.volume, target: pump.toBeInfused } : null }] : []
    new Plot(context, size, {
      from, to, zone: zoneName(), isRight: document.documentElement.dir === "rtl", mark: null, rows,
      events: pump ? this.eventsOf(pump) : [], cursor: null, points: [], colours: coloursOf(this.section) }).draw()
  }

  sayEvents() {
    if (!this.events.open) return
    const zone = zoneName()
    const word = (name) => {
      const key = [name, `historyEvent.${name}`].find(has)
      return key ? t(key) : cleaned(name)
    }
    const rows = this.pumps().flatMap((pump) => this.eventsOf(pump).map((event) => {
      const [time, name, , said] = eventTexts(event, word)
      const { text, state } = drugOf(pump)
      // The drug is that of now: of somebody else's time the pump is named.
      const isOwn = whoseAt(this.data, pump.rate, event.utc) === presentOf(pump.device)
      const isNamed = isOwn && (state === "fresh" || state === "questionable")
      const where = isNamed ? text : cleaned(pump.vmd || pump.device)
      return [time, isOwn ? where : `${where} (${t("historyFormer")})`, name, said]
    })).sort((one, other) => (one[0] < other[0] ? -1 : 1))
    const head = ["historyTime", "historyWhere", "historyWhat", "historySaid"].map((key) => t(key))
    this.body.replaceChildren(table({ caption: zoneText(store.now().utc, zone), head, rows }, phrase))
  }
}
