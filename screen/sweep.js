// Draws curves over one canvas, as a monitor does: x = time modulo the window, only what changed is drawn.

import { Curve, scaleFor } from "./curves.js"

const SPEED = 25 * 96 / 25.4 / 1000 // CSS px a ms: 25 mm/s, with the 96 px an inch that CSS promises
const BAR = 18 // CSS px before the pen that are wiped
const LINE = 1.7 // CSS px
const [LABEL, LOW] = [16, 36] // CSS px: where a row's words stand, which hide no curve, unless the row is so low
const GRID = 5 * 96 / 25.4 // CSS px: 5 mm, which is 200 ms
const SCALE_EVERY = 1000 // ms
const SCALE_OVER = 6000 // ms: two slow breaths

/** One canvas with its rows. Times are the server's boot clock, in ms. */
export class Sweep {
  #context
  #form = undefined
  #rows = []
  #column = undefined
  #scaled = -Infinity

  /** @param surface an OffscreenCanvas  @param curves Map of stream to Curve  @param onRange (n, low, high) */
  constructor(surface, curves, onRange) {
    this.surface = surface
    this.curves = curves
    this.onRange = onRange
    // Opaque: the page behind need not be mixed in, which halves the browser's work.
    this.#context = surface.getContext("2d", { alpha: false })
  }

  /** Takes a layout as live.js describes it; all is drawn anew. */
  layout(form) {
    const old = new Map(this.#rows.map((row) => [row.n, row]))
    this.#form = form
    this.#rows = form.rows.map((row) => ({ scale: old.get(row.n)?.scale, dirty: undefined, ...row }))
    this.surface.width = Math.max(1, Math.round(form.width * form.ratio))
    this.surface.height = Math.max(1, Math.round(form.height * form.ratio))
    this.#column = undefined
    this.#scaled = -Infinity
  }

  /** All is drawn anew: nothing of what is there is known any more. */
  again() {
    this.#column = undefined
    for (const row of this.#rows) [row.scale, row.told] = [undefined, false]
  }

  /** Nothing stands: what could not be drawn is not what was drawn before. */
  blank() {
    this.#context.reset()
    if (!this.#form) return
    this.#context.fillStyle = this.#form.background
    this.#context.fillRect(0, 0, this.surface.width, this.surface.height)
  }

  /** How long the canvas is. Unit: ms. */
  get window() { return this.#form ? this.surface.width / this.#perMs : 0 }

  get #perMs() { return SPEED * this.#form.ratio }

  /** A stretch of a stream is new: it is drawn where the pen has been already. */
  spoil(n, [from, to]) {
    for (const row of this.#rows) {
      if (row.n !== n) continue
      row.dirty = row.dirty ? [Math.min(row.dirty[0], from), Math.max(row.dirty[1], to)] : [from, to]
    }
  }

  /** Draws up to a time. */
  draw(now) {
    if (!this.#form) return
    const column = Math.floor(now * this.#perMs)
    const width = this.surface.width
    if (this.#column === undefined || column < this.#column || column - this.#column >= width / 2) {
      this.#column = column - width + this.#bar
      for (const row of this.#rows) row.dirty = undefined
    }
    if (now - this.#scaled >= SCALE_EVERY) this.#scale(now)
    const seen = column - width + this.#bar
    for (const row of this.#rows) {
      if (!row.dirty) continue
      const from = Math.max(seen, Math.floor(row.dirty[0] * this.#perMs) - this.#pad)
      const to = Math.min(this.#column, Math.ceil(row.dirty[1] * this.#perMs) + this.#pad)
      row.dirty = undefined
      if (to > from) this.#strip(from, to, [row], row.top, row.height)
    }
    if (column > this.#column) {
      this.#wipe(column, column + this.#bar)
      this.#strip(this.#column, column, this.#rows, 0, this.#form.height)
      this.#column = column
    }
  }

  get #bar() { return Math.ceil(BAR * this.#form.ratio) }

  get #pad() { return Math.ceil(2 * LINE * this.#form.ratio) }

  #scale(now) {
    this.#scaled = now
    for (const row of this.#rows) {
      const scale = scaleFor(this.curves.get(row.n)?.range(now - SCALE_OVER), row.scale)
      if (!scale || (row.told && scale[0] === row.scale[0] && scale[1] === row.scale[1])) continue
      row.scale = scale
      row.told = true
      this.spoil(row.n, [now - this.window, now])
      const [middle, half] = [(scale[0] + scale[1]) / 2, (scale[1] - scale[0]) / 2 / row.gain]
      this.onRange(row.n, middle - half, middle + half)
    }
  }

  #wipe(from, to) {
    this.#inWindow(from, to, (x, end) => {
      this.#context.fillStyle = this.#form.background
      this.#context.fillRect(x, 0, end - x, this.surface.height)
    })
  }

  /** Calls `draw(x, end, origin)` for each part of absolute columns; absolute column c is at c - origin. */
  #inWindow(from, to, draw) {
    const width = this.surface.width
    for (let at = from; at < to;) {
      const origin = Math.floor(at / width) * width
      const end = Math.min(to, origin + width)
      draw(at - origin, end - origin, origin)
      at = end
    }
  }

  /** Background, grid and curves of some columns and no pixel beside them. */
  #strip(from, to, rows, top, height) {
    const { ratio } = this.#form
    this.#inWindow(from, to, (x, end, origin) => {
      const context = this.#context
      context.save()
      context.beginPath()
      context.rect(x, Math.round(top * ratio), end - x, Math.round(height * ratio))
      context.clip()
      context.fillStyle = this.#form.background
      context.fillRect(x, top * ratio, end - x, height * ratio)
      context.fillStyle = this.#form.grid
      for (let line = Math.ceil(x / (GRID * ratio)); line * GRID * ratio < end; line += 1) {
        context.fillRect(Math.floor(line * GRID * ratio), top * ratio, 1, height * ratio)
      }
      for (const row of rows) this.#row(row, x, end, origin)
      context.restore()
    })
  }

  #row(row, x, end, origin) {
    const curve = this.curves.get(row.n)
    if (!curve || !row.scale) return
    const { ratio } = this.#form
    const context = this.#context
    const perMs = this.#perMs
    const middle = (row.scale[0] + row.scale[1]) / 2
    const [top, bottom] = [(row.top + (row.height > LOW ? LABEL : 4)) * ratio, (row.top + row.height - 3) * ratio]
    const factor = (bottom - top) / (row.scale[1] - row.scale[0]) * row.gain
    const centre = (top + bottom) / 2
    const y = (value) => Math.min(bottom, Math.max(top, centre - (value - middle) * factor))
    context.strokeStyle = row.colour
    context.lineWidth = LINE * ratio
    context.lineJoin = "round"
    context.beginPath()
    // A line may begin well before these columns: a slow stream's samples are far apart.
    const reach = this.#pad / perMs + 2 * (curve.pieces.at(-1)?.dt ?? 0)
    curve.walk((origin + x) / perMs - reach, (origin + end) / perMs + reach,
      (t, v) => context.moveTo(t * perMs - origin, y(v)), (t, v) => context.lineTo(t * perMs - origin, y(v)))
    context.stroke()
  }
}

/** The curves of all streams, for as long as somebody may look at them. */
export class Curves {
  #all = new Map()

  get(n) { return this.#all.get(n) }

  clear() { this.#all.clear() }

  /** Takes an entry; returns [n, [from, to]] that is new. */
  take(entry) {
    if (!Array.isArray(entry) || !Number.isInteger(entry[0])) return undefined
    if (!this.#all.has(entry[0])) this.#all.set(entry[0], new Curve())
    const stretch = this.#all.get(entry[0]).take(entry)
    return stretch && [entry[0], stretch]
  }

  forget(before) { for (const curve of this.#all.values()) curve.forget(before) }
}
