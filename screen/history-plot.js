// Draws the past on a canvas: for each stream a row with a band from the least to the greatest value of each column,
// joined only where nothing is missing. Time runs from left to right in every language. Draws only; asks nobody.

import { drawChanges, drawCurve } from "./history-curve.js"
import { clockText, dateText, timeMarks, valueMarks } from "./history-time.js"

/** Widths and heights in CSS pixels. */
export const sizes = { gutter: 64, right: 12, mark: 24, events: 18, title: 18, gap: 18, axis: 34, row: 96 }

const names = [
  "background", "grid", "text", "quiet", "band", "curve", "gap", "limit", "cursor", "span", "mark", "mark-text",
  "high", "medium", "low", "command", "binding", "link", "other", "second", "former",
]

/** The colours of the style sheet, by name, as they stand for an element. */
export function coloursOf(element) {
  const style = getComputedStyle(element)
  const colours = { font: style.fontFamily || "sans-serif" }
  for (const name of names) colours[name] = style.getPropertyValue(`--history-${name}`).trim() || "#888"
  return colours
}

/** What kind of marker an event has. */
export function kindOf(event) {
  if (event.name.startsWith("alert") || event.name.startsWith("alarm")) {
    return ["high", "medium", "low"].includes(event.more.priority) ? event.more.priority : "other"
  }
  if (/^(command|stop|pump)/.test(event.name)) return "command"
  if (/^(patient|binding|bed|preset|score)/.test(event.name)) return "binding"
  if (/^(device|vmd|wrongDevice)/.test(event.name)) return "link"
  return "other"
}

/** The least and the greatest value that is seen of a stream, with a little room; of nothing: `null`. */
export function rangeOf(data, n, from, to, more = []) {
  const stream = data?.streams.get(n)
  let [low, high] = [Infinity, -Infinity]
  if (stream) {
    const width = (data.to - data.from) / data.columns
    const first = Math.max(0, Math.floor((from - data.from) / width))
    const last = Math.min(data.columns, Math.ceil((to - data.from) / width))
    for (let index = first; index < last; index += 1) {
      if (stream.low[index] < low) low = stream.low[index]
      if (stream.high[index] > high) high = stream.high[index]
    }
  }
  if (low > high) return null
  for (const value of more) [low, high] = [Math.min(low, value), Math.max(high, value)]
  const room = (high - low) * 0.06 || Math.abs(high) * 0.02 || 1
  return { low: low - room, high: high + room }
}

/** Where the parts of a picture stand, in device pixels. */
export function layout(size, rows, hasMark) {
  const { scale, parts = sizes } = size
  const px = (css) => Math.round(css * scale)
  const left = px(parts.gutter)
  const right = px(size.width) - px(parts.right)
  const mark = hasMark ? px(parts.mark) : 0
  const top = mark + px(parts.events)
  const bottom = px(size.height) - px(parts.axis)
  const each = rows.length > 0 ? (bottom - top) / rows.length : bottom - top
  return {
    left, right: Math.max(left + 1, right), mark, top, bottom, scale, px,
    rows: rows.map((row, index) => {
      const begin = Math.round(top + index * each)
      const end = Math.round(top + (index + 1) * each)
      return { begin, top: begin + px(parts.title), bottom: end - px(parts.gap), end }
    }),
  }
}

/** Text that fits a width, cut with an ellipsis. */
function fit(context, text, width) {
  if (context.measureText(text).width <= width) return text
  let [low, high] = [0, text.length]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (context.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle
    else high = middle - 1
  }
  return low > 0 ? `${text.slice(0, low)}…` : ""
}

/** One picture of the past; kept by whoever shows it, for where the pointer is. */
export class Plot {
  /**
   * context: of a canvas of size.width × size.height CSS pixels at size.scale device pixels each.
   * view: { from, to (ms since 1970), zone, isRight (words run from right to left), mark (words or null),
   *   rows: [{ n, present, title, gapWord(word), limits: [numbers], within: [numbers], data,
   *     second: { n, target } }]; `present` is whose the values are that are not grey, see history-whose.js,
   *   events: [event], cursor, points: [utc], colours }. Numbers of `within` are in the row's range of values.
   */
  constructor(context, size, view) {
    Object.assign(this, { context, size, view, parts: size.parts ?? sizes, markers: [] })
    this.place = layout(size, view.rows, view.mark !== null)
  }

  x(utc) {
    const { left, right } = this.place
    return left + ((utc - this.view.from) / (this.view.to - this.view.from)) * (right - left)
  }

  utc(x) {
    const { left, right } = this.place
    return this.view.from + ((x - left) / (right - left)) * (this.view.to - this.view.from)
  }

  draw() {
    const { context, place, view, size } = this
    const colours = view.colours
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.direction = view.isRight ? "rtl" : "ltr"
    context.fillStyle = colours.background
    context.fillRect(0, 0, place.px(size.width), place.px(size.height))
    this.font(12)
    this.timeAxis()
    view.rows.forEach((row, index) => this.row(row, place.rows[index]))
    if (this.parts.events > 0) this.eventLane()
    this.lines()
    if (place.mark > 0) this.mark()
    return this
  }

  font(css, weight = "") {
    this.context.font = `${weight} ${Math.round(css * this.place.scale)}px ${this.view.colours.font}`
  }

  /** A text in figures, whose order never turns round. */
  figures(text, x, y, align = "left") {
    const { context } = this
    const before = context.direction
    context.direction = "ltr"
    context.textAlign = align
    context.fillText(text, x, y)
    context.direction = before
  }

  timeAxis() {
    const { context, place, view } = this
    const colours = view.colours
    const most = Math.max(2, Math.floor((place.right - place.left) / place.px(92)))
    const { step, marks } = timeMarks(view.from, view.to, most, view.zone)
    context.textBaseline = "top"
    let day = ""
    for (const utc of marks) {
      const x = Math.round(this.x(utc))
      context.fillStyle = colours.grid
      context.fillRect(x, place.top, 1, place.bottom - place.top + place.px(4))
      if (this.parts.axis === 0) continue
      context.fillStyle = colours.text
      this.figures(clockText(utc, view.zone, step), x, place.bottom + place.px(5), "center")
      const date = dateText(utc, view.zone)
      if (date !== day) {
        context.fillStyle = colours.quiet
        this.figures(date, x, place.bottom + place.px(20), "center")
      }
      day = date
    }
  }

  row(row, at) {
    const { context, place, view } = this
    const colours = view.colours
    context.fillStyle = colours.grid
    context.fillRect(0, at.begin, place.right, 1)
    context.fillStyle = colours.text
    context.textBaseline = "middle"
    context.textAlign = "left"
    this.font(13, "600")
    const title = this.parts.title > 0 ? fit(context, row.title, place.right - place.left) : ""
    context.fillText(title, place.left, at.begin + place.px(10))
    this.font(12)
    const limits = row.limits ?? []
    row.range = rangeOf(row.data, row.n, view.from, view.to, [...limits, ...(row.within ?? [])])
    if (row.range) this.valueAxis(row.range, at, "left")
    context.save()
    context.beginPath()
    context.rect(place.left, at.begin, place.right - place.left, at.end - at.begin)
    context.clip()
    if (row.range) {
      for (const limit of limits) this.limit(limit, row.range, at)
      drawCurve(this, row, row.n, row.range, at, colours.band, colours.curve)
    }
    drawChanges(this, row, at)
    if (row.data) this.gaps(row, at)
    context.restore()
    this.secondOf(row, at)
  }

  /** A further stream of the row with an axis of its own, at the right. */
  secondOf(row, at) {
    if (!row.second) return
    const { context, place, view } = this
    const { n, target } = row.second
    const aim = rangeOf(row.data, target, view.from, view.to)
    const range = rangeOf(row.data, n, view.from, view.to, aim ? [aim.low, aim.high] : [])
    if (!range) return
    context.save()
    context.beginPath()
    context.rect(place.left, at.begin, place.right - place.left, at.end - at.begin)
    context.clip()
    drawCurve(this, row, n, range, at, view.colours.second, view.colours.second)
    if (aim) drawCurve(this, row, target, range, at, view.colours.limit, view.colours.limit)
    context.restore()
    this.valueAxis(range, at, "right")
  }

  y(value, range, at) {
    return at.bottom - ((value - range.low) / (range.high - range.low)) * (at.bottom - at.top)
  }

  valueAxis(range, at, side) {
    const { context, place, view } = this
    const { marks, places } = valueMarks(range.low, range.high, Math.max(1, (at.bottom - at.top) / place.px(26)))
    context.textBaseline = "middle"
    for (const value of marks) {
      const y = Math.round(this.y(value, range, at))
      if (side === "left") {
        context.fillStyle = view.colours.grid
        context.fillRect(place.left, y, place.right - place.left, 1)
        context.fillStyle = view.colours.quiet
        this.figures(value.toFixed(places), place.left - place.px(6), y, "right")
      } else {
        context.fillStyle = view.colours.second
        this.figures(value.toFixed(places), place.right + place.px(6), y, "left")
      }
    }
  }

  limit(value, range, at) {
    const { context, place } = this
    const y = Math.round(this.y(value, range, at))
    context.fillStyle = this.view.colours.limit
    for (let x = place.left; x < place.right; x += place.px(8)) context.fillRect(x, y, place.px(4), place.px(1))
  }

  /** Nothing is drawn where values are missing; a bar below says how long, and a word why. */
  gaps(row, at) {
    const { context, place, view } = this
    const stream = row.data.streams.get(row.n)
    if (!stream) return
    context.textBaseline = "middle"
    context.textAlign = "center"
    this.font(11)
    let end = -1
    for (const gap of stream.gaps) {
      if (gap.to <= view.from || gap.from >= view.to) continue
      const x0 = Math.max(place.left, Math.floor(this.x(gap.from)))
      const x1 = Math.min(place.right, Math.max(Math.ceil(this.x(gap.to)), x0 + place.px(2)))
      // At a coarse scale many lie on one pixel: it is painted once.
      if (x1 <= end) continue
      end = x1
      context.fillStyle = view.colours.gap
      context.fillRect(x0, at.end - place.px(4), x1 - x0, place.px(3))
      const word = row.gapWord(gap.word)
      if (this.parts.gap >= 14 && context.measureText(word).width <= x1 - x0 - place.px(4)) {
        context.fillText(word, (x0 + x1) / 2, at.end - place.px(10))
      }
    }
    this.font(12)
  }

  eventLane() {
    const { context, place, view } = this
    const near = place.px(6)
    this.markers = []
    for (const event of view.events) {
      if (event.utc < view.from || event.utc >= view.to) continue
      const x = Math.round(this.x(event.utc))
      const last = this.markers.at(-1)
      if (last && x - last.x < near) last.events.push(event)
      else this.markers.push({ x, events: [event] })
    }
    const order = ["high", "medium", "low", "command", "link", "binding", "other"]
    for (const marker of this.markers) {
      const kinds = marker.events.map(kindOf)
      marker.kind = order.find((kind) => kinds.includes(kind)) ?? "other"
      context.fillStyle = view.colours[marker.kind]
      const width = place.px(marker.events.length > 1 ? 5 : 3)
      const top = place.mark + place.px(2)
      context.fillRect(marker.x - Math.floor(width / 2), top, width, place.px(this.parts.events - 4))
    }
  }

  lines() {
    const { context, place, view } = this
    if (view.points.length === 2) {
      const [one, other] = view.points.map((utc) => this.x(utc)).sort((a, b) => a - b)
      context.fillStyle = view.colours.span
      context.fillRect(one, place.top, other - one, place.bottom - place.top)
    }
    const line = (utc, colour, letter) => {
      if (utc < view.from || utc > view.to) return
      const x = Math.round(this.x(utc))
      context.fillStyle = colour
      context.fillRect(x, place.mark, place.px(1), place.bottom - place.mark)
      if (letter) this.figures(letter, x + place.px(4), place.bottom - place.px(6))
    }
    this.font(14, "700")
    if (view.cursor !== null) line(view.cursor, view.colours.cursor, "")
    view.points.forEach((utc, index) => line(utc, view.colours.text, "AB"[index]))
    this.font(12)
  }

  /** Test data are told as such across the whole picture. */
  mark() {
    const { context, place, size, view } = this
    context.fillStyle = view.colours.mark
    context.fillRect(0, 0, place.px(size.width), place.mark)
    context.fillStyle = view.colours["mark-text"]
    context.textBaseline = "middle"
    context.textAlign = "center"
    this.font(14, "700")
    const width = context.measureText(view.mark).width + place.px(48)
    const count = Math.max(1, Math.floor(place.px(size.width) / width))
    for (let index = 0; index < count; index += 1) {
      context.fillText(view.mark, ((index + 0.5) / count) * place.px(size.width), place.mark / 2)
    }
  }

  /** The marker at a place of the picture, in device pixels; `null` where there is none. */
  markerAt(x, y) {
    const { place } = this
    if (y < place.mark || y > place.top + place.px(6)) return null
    let found = null
    for (const marker of this.markers) {
      const far = Math.abs(marker.x - x)
      if (far <= place.px(12) && (!found || far < Math.abs(found.x - x))) found = marker
    }
    return found
  }
}
