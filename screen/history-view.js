// The picture of the past that people move in: wheel, drag, pinch and keys change its time; a click or Enter sets a
// point to measure from. It asks nobody: it tells "view" when its time changes, "point" and "event" when what is said
// of it changes.

import { Plot, coloursOf, sizes } from "./history-plot.js"
import { limits } from "./history-read.js"

/** The shortest and the longest time that is shown. Unit: ms. */
const shortest = 100
const longest = limits.time
/** A pointer that moves less than this has not moved. Unit: CSS pixels. */
const still = 5

export class HistoryView extends EventTarget {
  constructor(element) {
    super()
    this.element = element
    this.canvas = document.createElement("canvas")
    this.canvas.setAttribute("aria-hidden", "true")
    element.replaceChildren(this.canvas)
    this.context = this.canvas.getContext("2d", { alpha: false })
    Object.assign(this, {
      from: 0, to: shortest, zone: "UTC", isRight: false, mark: null, rows: [], events: [], data: null, cursor: null,
      points: [], isMeasuring: false, active: 0, latest: null, chosenEvent: -1,
    })
    this.pointers = new Map()
    this.moved = 0
    this.frame = 0
    this.ending = new AbortController()
    this.listen()
    this.watch = new ResizeObserver(() => this.resize())
    this.watch.observe(element)
    this.resize()
  }

  end() {
    this.ending.abort()
    this.watch.disconnect()
    cancelAnimationFrame(this.frame)
  }

  // MARK: What is shown

  /** Takes what is named of: rows, data, events, zone, isRight, mark. */
  show(parts) {
    Object.assign(this, parts)
    if ("rows" in parts) this.resize()
    if ("events" in parts) this.chosenEvent = -1
    this.redraw()
  }

  /** How many device pixels the curves are wide: as many columns are asked for. */
  get columns() {
    return Math.max(1, Math.min(limits.columns, this.plot.place.right - this.plot.place.left))
  }

  resize() {
    const box = this.element.getBoundingClientRect()
    const scale = Math.max(1, Math.min(3, window.devicePixelRatio || 1))
    const rows = Math.max(1, this.rows.length)
    const height = sizes.mark + sizes.events + sizes.axis + Math.max(220, rows * sizes.row)
    const width = Math.max(240, Math.round(box.width))
    const before = this.size
    this.size = { width, height, scale }
    if (!before || before.width !== width || before.height !== height || before.scale !== scale) {
      Object.assign(this.canvas, { width: Math.round(width * scale), height: Math.round(height * scale) })
      this.plot = this.made()
      this.tell("view")
    }
    this.redraw()
  }

  view() {
    const { from, to, zone, isRight, mark, events, cursor, points } = this
    const rows = this.rows.map((row) => ({ ...row, data: this.data }))
    return { from, to, zone, isRight, mark, rows, events, cursor, points, colours: coloursOf(this.element) }
  }

  made() { return new Plot(this.context, this.size, this.view()); }

  redraw() {
    if (this.frame) return
    this.frame = requestAnimationFrame(() => {
      this.frame = 0
      this.plot = this.made().draw()
      this.tell("drawn")
    })
  }

  tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  // MARK: Its time

  /** Shows a time, held within what can be asked for. Unit: ms since 1970. */
  go(from, to) {
    const now = this.latest ?? Date.now()
    const span = Math.max(shortest, Math.min(longest, to - from))
    const end = Math.min((from + to) / 2 + span / 2, now + span * 0.1)
    const begin = Math.max(0, Math.round(end - span))
    if (begin === this.from && begin + Math.round(span) === this.to) return
    Object.assign(this, { from: begin, to: begin + Math.round(span) })
    this.redraw()
    this.tell("view")
  }

  /** factor < 1: nearer. `at` stays where it is. */
  zoom(factor, at = this.cursor ?? (this.from + this.to) / 2) {
    const span = Math.max(shortest, Math.min(longest, (this.to - this.from) * factor))
    const share = Math.max(0, Math.min(1, (at - this.from) / (this.to - this.from)))
    this.go(at - share * span, at + (1 - share) * span)
  }

  /** Unit: shares of what is shown. */
  pan(share) {
    const by = (this.to - this.from) * share
    this.go(this.from + by, this.to + by)
  }

  // MARK: Points

  /** The time of the nearest column that has a value of the row; the time itself where none is near. */
  snapped(utc) {
    const stream = this.data?.streams.get(this.rows[this.active]?.n)
    if (!stream) return utc
    const width = (this.data.to - this.data.from) / this.data.columns
    const place = Math.floor((utc - this.data.from) / width)
    const far = Math.ceil((this.to - this.from) / width / 40) + 1
    for (let step = 0; step <= far; step += 1) {
      for (const index of [place - step, place + step]) {
        if (index >= 0 && index < this.data.columns && !Number.isNaN(stream.low[index])) {
          return this.data.from + (index + 0.5) * width
        }
      }
    }
    return utc
  }

  setCursor(utc) {
    this.cursor = Math.max(this.from, Math.min(this.to, utc))
    this.redraw()
    this.tell("point")
  }

  /** Sets a point; the third begins anew. */
  setPoint(utc) {
    const at = this.snapped(utc)
    this.points = this.points.length >= 2 ? [at] : [...this.points, at]
    this.cursor = at
    this.redraw()
    this.tell("point")
  }

  clear() {
    Object.assign(this, { points: [], cursor: null, chosenEvent: -1 })
    this.redraw()
    this.tell("point")
    this.tell("event", null)
  }

  /** Goes to an event beside the chosen one. */
  nextEvent(by) {
    const seen = this.events.filter((event) => event.utc >= this.from && event.utc < this.to)
    if (seen.length === 0) return
    const last = seen.indexOf(this.events[this.chosenEvent])
    const next = last < 0 ? (by > 0 ? 0 : seen.length - 1) : Math.max(0, Math.min(seen.length - 1, last + by))
    this.chosenEvent = this.events.indexOf(seen[next])
    this.setCursor(seen[next].utc)
    this.tell("event", [seen[next]])
  }

  // MARK: Hands

  listen() {
    const on = (name, act, options = {}) => {
      this.element.addEventListener(name, act, { signal: this.ending.signal, ...options })
    }
    on("wheel", (event) => this.wheel(event), { passive: false })
    on("pointerdown", (event) => this.down(event))
    on("pointermove", (event) => this.move(event))
    on("pointerup", (event) => this.up(event, true))
    on("pointercancel", (event) => this.up(event, false))
    on("pointerleave", () => { if (this.pointers.size === 0) this.tell("event", null); })
    on("keydown", (event) => this.key(event))
  }

  /** Where a pointer is, in device pixels of the picture. */
  at(event) {
    const box = this.canvas.getBoundingClientRect()
    return { x: (event.clientX - box.left) * this.size.scale, y: (event.clientY - box.top) * this.size.scale }
  }

  wheel(event) {
    event.preventDefault()
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1
    const across = event.shiftKey ? event.deltaY : event.deltaX
    if (Math.abs(across) > Math.abs(event.deltaY) || event.shiftKey) {
      this.pan(Math.max(-0.5, Math.min(0.5, (across * unit) / 1000)))
    } else if (event.deltaY !== 0) {
      this.zoom(Math.exp(Math.max(-0.7, Math.min(0.7, (event.deltaY * unit) / 400))), this.plot.utc(this.at(event).x))
    }
  }

  down(event) {
    if (event.pointerType === "mouse" && event.button !== 0) return
    this.element.setPointerCapture(event.pointerId)
    this.pointers.set(event.pointerId, this.at(event))
    this.moved = this.pointers.size > 1 ? Infinity : 0
  }

  move(event) {
    const now = this.at(event)
    const was = this.pointers.get(event.pointerId)
    if (!was) {
      this.tell("event", this.plot.markerAt(now.x, now.y)?.events ?? null)
      return
    }
    if (this.pointers.size === 1) this.drag(was, now)
    else if (this.pointers.size === 2) this.pinch(event.pointerId, was, now)
    this.pointers.set(event.pointerId, now)
  }

  drag(was, now) {
    this.moved += Math.abs(now.x - was.x) + Math.abs(now.y - was.y)
    if (this.moved <= still * this.size.scale) return
    const width = this.plot.place.right - this.plot.place.left
    this.pan((was.x - now.x) / width)
  }

  pinch(id, was, now) {
    const other = [...this.pointers].find(([key]) => key !== id)[1]
    const { left, right } = this.plot.place
    const before = Math.max(10, Math.abs(was.x - other.x))
    const after = Math.max(10, Math.abs(now.x - other.x))
    const fixed = this.from + ((other.x - left) / (right - left)) * (this.to - this.from)
    this.zoom(before / after, fixed)
  }

  up(event, isWhole) {
    const at = this.pointers.get(event.pointerId)
    this.pointers.delete(event.pointerId)
    if (!at || !isWhole || this.moved > still * this.size.scale || this.pointers.size > 0) return
    const marker = this.plot.markerAt(at.x, at.y)
    if (marker) {
      this.chosenEvent = this.events.indexOf(marker.events[0])
      this.setCursor(marker.events[0].utc)
      this.tell("event", marker.events)
      return
    }
    const row = this.plot.place.rows.findIndex((place) => at.y >= place.begin && at.y < place.end)
    if (row >= 0) this.active = row
    const utc = this.plot.utc(at.x)
    if (this.isMeasuring) this.setPoint(utc)
    else this.setCursor(utc)
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return
    const column = (this.to - this.from) / this.columns
    const cursor = this.cursor ?? (this.from + this.to) / 2
    const acts = {
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
      ArrowLeft: () => (event.shiftKey ? this.setCursor(cursor - column * 4) : this.pan(-0.1)),
      ArrowRight: () => (event.shiftKey ? this.setCursor(cursor + column * 4) : this.pan(0.1)),
      ArrowUp: () => this.row(-1), ArrowDown: () => this.row(1),
      PageUp: () => this.pan(-1), PageDown: () => this.pan(1),
      n: () => this.nextEvent(1), p: () => this.nextEvent(-1),
      Enter: () => this.setPoint(cursor), Escape: () => this.clear(),
    }
    if (!acts[event.key]) return
    event.preventDefault()
    acts[event.key]()
  }

  /** Which row the points cling to. */
  row(by) {
    this.active = Math.max(0, Math.min(this.rows.length - 1, this.active + by))
    this.tell("point")
  }
}
