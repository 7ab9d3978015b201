// The screen of the past: which bed or device, which of its streams, and when; moved in by hand, measured, and kept as
// a picture or a table. What is no longer wanted is broken off.

import { made, setText } from "./dom.js"
import { cleaned, fill, has, plain, t, zoneName } from "./words.js"
import { store } from "./store.js"
import { limits, readHistory, readStreams, readTable } from "./history-read.js"
import { HistoryView } from "./history-view.js"
import { fileName, keep, picture } from "./history-save.js"
import { between, table } from "./history-say.js"
import {
  eventTexts, eventsTable, gapWord, labelOf, nameOfBed, phrase, readoutOf, valuesTable,
} from "./history-words.js"
import { momentText, timeOfField, zoneText } from "./history-time.js"
import { hasFormer, presentOf } from "./history-whose.js"

const HOUR = 3600000
const PRESETS = [["historyHour", HOUR], ["historyFourHours", 4 * HOUR], ["historyDay", 24 * HOUR]]
// More rows are too low to be read.
const MOST_ROWS = 12
// A person who moves on is waited for. Unit: ms.
const REST = 120
// Parts of the time in the table for those who hear the page.
const TABLE_PARTS = 24

/** Shows the past. params: place ("bed:ID" or "device:HANDLE"), bed, streams, from, to, mark; all may be left out. */
export function mount(container, params = {}) {
  const screen = new HistoryScreen(container, params instanceof URLSearchParams ? Object.fromEntries(params) : params)
  return () => screen.end()
}

class HistoryScreen {
  constructor(container, params) {
    this.container = container
    this.place = params.place ?? (params.bed ? `bed:${params.bed}` : "")
    this.wanted = String(params.streams ?? "").split(",").map(Number).filter((n) => Number.isSafeInteger(n) && n > 0)
    this.chosen = new Set(this.wanted)
    this.mark = ["test", "real"].includes(params.mark) ? params.mark : ""
    this.streams = []
    this.listed = { from: 0, to: 0 }
    this.data = null
    this.asked = ""
    this.asking = { streams: null, columns: null, table: null }
    this.ending = new AbortController()
    this.build()
    const now = Math.round(this.now())
    const [from, to] = [Number(params.from), Number(params.to)]
    const isGiven = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from < to
    this.view.go(isGiven ? from : now - 4 * HOUR, isGiven ? to : now)
    store.addEventListener("language", () => this.say(), { signal: this.ending.signal })
    store.addEventListener("picture", () => this.list(true), { signal: this.ending.signal })
    this.say()
  }

  now() { return store.picture ? store.now().utc : Date.now() }

  end() {
    this.ending.abort()
    clearTimeout(this.resting)
    for (const one of Object.values(this.asking)) one?.abort()
    this.view.end()
    this.container.replaceChildren()
  }

  // MARK: What stands on the page

  build() {
    const button = (key, act, name = key) => made("button", {
      type: "button", class: "history-key", "data-t": key, "data-history": name, click: act })
    this.places = made("select", { id: "history-place", change: () => this.choosePlace(this.places.value) })
    this.marks = made("select", { id: "history-mark", change: () => this.chooseMark(this.marks.value) })
    this.marksLabel = made("label", { for: "history-mark", "data-t": "historyMark" })
    this.fields = ["from", "to"].map((name) => made("input", {
      id: `history-${name}`, class: "history-moment", type: "text", inputmode: "numeric", dir: "ltr", maxlength: "19",
      autocomplete: "off", "data-t-label": `history${name === "from" ? "From" : "To"}Form` }))
    this.zone = made("span", { class: "history-zone" })
    this.choices = made("div", { class: "history-choices" })
    this.plot = made("div", {
      class: "history-plot", tabindex: "0", role: "application", "data-t-label": "historyPlot",
      "aria-describedby": "history-keys" })
    this.view = new HistoryView(this.plot)
    this.bar = made("progress", { max: "1", value: "0", "data-t-label": "historyLoading" })
    this.loading = made("div", { class: "history-loading", hidden: true }, this.bar,
      made("span", { "data-t": "historyLoading" }), button("historyCancel", () => this.cancel()))
    this.fault = made("p", { class: "history-fault", role: "alert" })
    this.readout = made("p", { class: "history-readout", role: "status" })
    this.former = made("p", { class: "history-former", "data-t": "historyFormerKey", hidden: true })
    this.measured = made("div", { class: "history-measured", role: "status" })
    this.values = this.details("historyTable")
    this.happened = this.details("historyEvents")
    this.measure = button("historyMeasure", () => this.toggleMeasure())
    this.measure.setAttribute("aria-pressed", "false")
    const label = (id, key) => made("label", { for: id, "data-t": key })
    this.container.replaceChildren(made("section", { class: "history", "data-t-label": "historyTitle" },
      made("h1", { class: "history-hidden", "data-t": "historyTitle" }),
      made("div", { class: "history-bar" },
        label("history-place", "historyPlace"), this.places, this.marksLabel, this.marks,
        ...PRESETS.map(([key, span]) => button(key, () => this.last(span))),
        label("history-from", "historyFrom"), this.fields[0], label("history-to", "historyTo"), this.fields[1],
        button("historyShow", () => this.showFields()), this.zone),
      made("fieldset", { class: "history-streams" }, made("legend", { "data-t": "historyStreams" }), this.choices),
      made("div", { class: "history-bar" },
        button("historyNearer", () => this.view.zoom(0.5)), button("historyFarther", () => this.view.zoom(2)),
        button("historyEarlier", () => this.view.pan(-0.5)), button("historyLater", () => this.view.pan(0.5)),
        this.measure, button("historyClear", () => this.view.clear()),
        button("historyPicture", () => this.savePicture()), button("historySamples", () => this.saveTable()),
        this.loading),
      this.fault, this.plot, this.former, this.readout, this.measured,
      made("p", { id: "history-keys", class: "history-keys", "data-t": "historyKeys" }), this.values, this.happened))
    this.view.addEventListener("view", () => this.moved())
    this.view.addEventListener("point", () => this.sayPoint())
    this.view.addEventListener("drawn", () => performance.mark("history-drawn"))
    this.view.addEventListener("event", (told) => this.sayEvent(told.detail))
  }

  details(key) {
    const body = made("div", { class: "history-scroll", tabindex: "0", role: "group", "data-t-label": key })
    const element = made("details", { class: "history-details" }, made("summary", { "data-t": key }), body)
    element.addEventListener("toggle", () => this.sayTables())
    return Object.assign(element, { body })
  }

  /** All words anew. */
  say() {
    fill(this.container)
    this.sayPlaces()
    this.sayStreams()
    this.showRows()
    this.sayPoint()
    this.sayTables()
    this.sayTimes()
  }

  sayTimes() {
    const zone = zoneName()
    setText(this.zone, zoneText(this.view.from, zone))
    this.fields.forEach((field, index) => {
      if (document.activeElement !== field) field.value = momentText(index ? this.view.to : this.view.from, zone)
    })
  }

  sayPlaces() {
    const beds = [...new Set([...store.beds.keys(), ...this.streams.map((stream) => stream.bed).filter(Boolean)])]
    const devices = [...new Set(this.streams.map((stream) => stream.device))].sort()
    const known = [...beds.map((bed) => [`bed:${bed}`, nameOfBed(bed)]),
      ...devices.map((device) => [`device:${device}`, cleaned(device)])]
    // Until the streams are known, whatever was asked for may be there.
    if (this.sessions && !known.some(([value]) => value === this.place)) this.place = known[0]?.[0] ?? ""
    this.places.replaceChildren(...known.map(([value, text]) => made("option", { value }, text)))
    this.places.value = this.place
    const hasBoth = new Set((this.sessions ?? []).map((session) => session.mark)).size > 1
    for (const element of [this.marks, this.marksLabel]) element.hidden = !hasBoth
    this.marks.replaceChildren(...["", "real", "test"].map((value) => made("option", { value },
      t(`historyMark.${value || "newest"}`))))
    this.marks.value = this.mark
  }

  ofPlace() {
    const [kind, id] = [this.place.split(":")[0], this.place.slice(this.place.indexOf(":") + 1)]
    return this.streams.filter((stream) => stream.kind !== "text" && stream[kind] === id)
  }

  sayStreams() {
    const here = this.ofPlace()
    const isFull = this.rows().length >= MOST_ROWS
    this.choices.replaceChildren(...here.map((stream) => {
      const box = made("input", { type: "checkbox", value: String(stream.n) })
      box.checked = this.chosen.has(stream.n)
      box.disabled = !box.checked && isFull
      box.addEventListener("change", () => {
        if (box.checked) this.chosen.add(stream.n)
        else this.chosen.delete(stream.n)
        this.sayStreams()
        this.choices.querySelector(`[value="${stream.n}"]`)?.focus()
        this.showRows()
        this.load()
      })
      return made("label", { class: "history-choice" }, box, phrase(labelOf(stream)),
        made("small", {}, plain(stream.device)))
    }))
    if (here.length === 0) this.choices.replaceChildren(t("historyNoStreams"))
  }

  rows() { return this.ofPlace().filter((stream) => this.chosen.has(stream.n)).slice(0, MOST_ROWS) }

  showRows() {
    const mark = this.data?.mark ?? null
    this.view.show({
      zone: zoneName(), isRight: document.documentElement.dir === "rtl", data: this.data,
      events: this.data?.events ?? [], mark: mark === null ? null : t(`mark-${mark}`),
      rows: this.rows().map((stream) => ({
        n: stream.n, present: presentOf(stream.device), gapWord,
        title: `\u2068${labelOf(stream)}\u2069 · \u2068${cleaned(stream.device)}\u2069` })) })
    this.former.hidden = !this.hasFormer()
  }

  hasFormer() {
    return this.rows().some((row) => hasFormer(this.data, row.n, presentOf(row.device), this.view.from, this.view.to))
  }

  // MARK: What is chosen

  choosePlace(place) {
    this.place = place
    this.chosen = new Set(this.firstOf(this.ofPlace()))
    this.view.clear()
    this.sayStreams()
    this.showRows()
    this.load()
  }

  /** What is shown of a place when nothing was chosen: its numbers. */
  firstOf(streams) {
    return streams.filter((stream) => stream.kind === "number" && stream.category !== "setting").slice(0, 4)
      .map((stream) => stream.n)
  }

  chooseMark(mark) {
    this.mark = mark
    this.list(true)
  }

  last(span) {
    const now = Math.round(this.now())
    this.view.go(now - span, now)
  }

  showFields() {
    const [from, to] = this.fields.map((field) => timeOfField(field.value, zoneName()))
    if (from === null || to === null || from >= to || to - from > limits.time) this.sayFault({ code: "time" })
    else this.view.go(from, to)
  }

  toggleMeasure() {
    this.view.isMeasuring = !this.view.isMeasuring
    this.measure.setAttribute("aria-pressed", String(this.view.isMeasuring))
  }

  // MARK: Asking

  moved() {
    this.view.latest = this.now()
    this.former.hidden = !this.hasFormer()
    this.sayTimes()
    clearTimeout(this.resting)
    this.resting = setTimeout(() => {
      this.list()
      this.load()
    }, REST)
  }

  /** Begins to ask; what was asked before of the same is broken off. */
  begin(kind) {
    this.asking[kind]?.abort()
    this.asking[kind] = new AbortController()
    return this.asking[kind]
  }

  cancel() {
    for (const kind of ["columns", "table"]) this.asking[kind]?.abort()
    this.loading.hidden = true
  }

  /** Which streams there are, where the time that is shown is not within the one asked for. */
  async list(isAnew = false) {
    // Somebody else may be at the bed now: nothing is drawn as theirs meanwhile.
    if (isAnew) this.showRows()
    const { from, to } = this.view
    if (!isAnew && from >= this.listed.from && to <= this.listed.to) return
    const span = Math.min(to - from, (limits.time - (to - from)) / 2)
    const time = { from: Math.max(0, Math.floor(from - span)), to: Math.ceil(to + span) }
    const asking = this.begin("streams")
    try {
      const answer = await readStreams({ ...time, mark: this.mark }, asking.signal)
      this.listed = time
      this.streams = answer.streams
      this.sessions = answer.sessions
      this.sayPlaces()
      if (this.rows().length === 0 && this.wanted.length === 0) this.chosen = new Set(this.firstOf(this.ofPlace()))
      this.wanted = []
      this.sayStreams()
      this.showRows()
      this.load(isAnew)
    } catch (error) {
      this.failed(error, asking)
    }
  }

  async load(isAnew = false) {
    const streams = this.rows().map((stream) => stream.n)
    const { from, to, columns } = this.view
    const asked = { streams, from, to, columns, mark: this.mark }
    if (streams.length === 0 || (!isAnew && JSON.stringify(asked) === this.asked)) return
    this.asked = JSON.stringify(asked)
    const asking = this.begin("columns")
    this.loading.hidden = false
    this.bar.value = 0
    try {
      const progress = (share) => { if (asking === this.asking.columns) this.bar.value = share }
      const data = await readHistory(asked, { signal: asking.signal, progress })
      if (asking.signal.aborted) return
      this.data = data
      this.sayFault(null)
      this.loading.hidden = true
      this.showRows()
      this.sayPoint()
      this.sayTables()
      this.container.firstElementChild.dataset.shown = this.asked
    } catch (error) {
      this.failed(error, asking)
    }
  }

  failed(error, asking) {
    // What was broken off by hand or by something newer is no fault.
    if (error.name === "AbortError" || asking.signal.aborted) return
    this.loading.hidden = true
    this.asked = ""
    this.sayFault(error)
  }

  sayFault(error) {
    const key = `historyFault.${error?.code}`
    this.fault.replaceChildren()
    if (error) this.fault.append(t(has(key) ? key : "historyFault.other"), " ", plain(error.words ?? ""))
  }

  // MARK: What is said

  sayPoint() {
    const { cursor, points } = this.view
    const rows = this.rows()
    this.readout.replaceChildren()
    if (cursor !== null && this.data) {
      this.readout.append(made("strong", {}, phrase(momentText(cursor, zoneName(), 1))))
      this.readout.append(...rows.map((row) => readoutOf(this.data, row, cursor)))
    }
    this.measured.replaceChildren()
    if (points.length !== 2 || !this.data) return
    const found = between(this.data, rows, points)
    this.measured.dataset.milliseconds = String(points[1] - points[0])
    this.measured.append(table({
      caption: t("historyBetween", { time: found.time, step: found.step }),
      head: ["historyStream", "historyA", "historyB", "historyChange"].map((key) => t(key)),
      rows: found.rows.map((one) => [labelOf(one.row), one.from, one.to, one.change]) }, phrase))
  }

  sayEvent(events) {
    if (!events) return this.sayPoint()
    this.readout.replaceChildren(...events.slice(0, 5).map((event) => {
      const texts = eventTexts(event).filter(Boolean)
      return made("span", { class: "history-value" }, ...texts.flatMap((text) => [phrase(text), " "]))
    }))
    if (events.length > 5) this.readout.append(t("historyMore", { count: events.length - 5 }))
    return undefined
  }

  /** The tables that are open. */
  sayTables() {
    if (this.values.open) this.values.body.replaceChildren(valuesTable(this.data, this.rows(), this.view))
    if (this.happened.open) this.happened.body.replaceChildren(eventsTable(this.data, this.view))
  }

  // MARK: What is kept

  titles() {
    const [zone, { from, to }] = [zoneName(), this.view]
    const isBed = this.place.startsWith("bed:")
    const name = this.place.slice(this.place.indexOf(":") + 1)
    return [`${t("historyTitle")} · ${isBed ? nameOfBed(name) : cleaned(name)}`,
      this.rows().map((row) => `\u2068${labelOf(row)}\u2069`).join(" · "),
      `\u2066${momentText(from, zone)} – ${momentText(to, zone)} ${zoneText(from, zone)}\u2069`,
      ...(this.hasFormer() ? [t("historyFormerKey")] : [])]
  }

  async savePicture() {
    const { width, height } = this.view.size
    const blob = await picture(this.view.view(), this.titles(), { width, height })
    keep(blob, fileName(momentText(this.view.from, zoneName()), "png"))
  }

  async saveTable() {
    const streams = this.rows().map((stream) => stream.n)
    const asking = this.begin("table")
    this.loading.hidden = false
    this.bar.removeAttribute("value")
    try {
      const asked = { streams, from: this.view.from, to: this.view.to, mark: this.mark || this.markOfData() }
      const blob = await readTable(asked, { signal: asking.signal })
      keep(blob, fileName(momentText(this.view.from, zoneName()), "csv"))
      this.loading.hidden = true
      this.sayFault(null)
    } catch (error) {
      this.failed(error, asking)
    }
  }

  /** The table is of the same data as the picture. */
  markOfData() { return this.data ? (this.data.mark === null ? "real" : "test") : "" }
}
