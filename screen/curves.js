// What is known of a curve: pieces of samples by their numbers, each sample at its time. Pure: nothing is drawn here.

// How far a piece's own time may be from where its numbers put it, before it is taken for a jump. Unit: ms.
const SLIP = 60
// How quickly the true step is learnt once it is known roughly, and how quickly an error is taken back: a wrong stamp
// moves nothing visibly.
const [LEARN, PULL] = [0.1, 0.2]
const LONGEST = 20000 // samples in one entry: 80 s of 250 Hz; more is no curve of a bedside
const NO_RANGE = [Infinity, -Infinity]

/** One stretch of samples without a hole: sample `first + k` is `values[k]` at `t + k * dt`; NaN carries no value. */
function piece(first, t, dt, values) {
  let [low, high] = NO_RANGE
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return { first, next: first + values.length, t, dt, values, low, high, end: t + (values.length - 1) * dt }
}

/** The samples of one stream for as long as a window is wide. */
export class Curve {
  pieces = []
  #step = undefined
  #stamped = undefined
  #learnt = 0

  /**
   * Takes an entry of the waves, [n, first number, t0 (ms), dt (ms), values].
   * @returns [from, to] in ms that is new, or undefined where nothing is: it was known, or it is no entry
   */
  take([, first, t0, dt, told]) {
    if (!Number.isInteger(first) || first < 0 || !Number.isFinite(t0) || !(dt > 0 && dt < 60000)) return undefined
    if (!Array.isArray(told) || told.length === 0 || told.length > LONGEST) return undefined
    const values = Float32Array.from(told, (v) => (typeof v === "number" ? v : NaN))
    const last = this.pieces.at(-1)
    if (!last || first >= last.next) return this.#append(first, t0, dt, values, last)
    return this.#insert(first, t0, dt, values)
  }

  #append(first, t0, dt, values, last) {
    let [start, step] = [t0, this.#step ?? dt]
    const stamped = this.#stamped
    if (last && first === last.next) {
      const expected = last.t + (first - last.first) * last.dt
      if (Math.abs(t0 - expected) <= SLIP + 5 * dt) {
        const seen = (t0 - stamped.t) / (first - stamped.first)
        this.#learnt += 1
        step += Math.max(LEARN, 1 / this.#learnt) * (Math.min(1.25 * dt, Math.max(0.8 * dt, seen)) - step)
        // By half a step at most: no sample may come to stand before the one before it.
        start = expected + Math.max(-step / 2, Math.min(step / 2, PULL * (t0 - expected)))
      }
    } else {
      step = dt
      this.#learnt = 0
    }
    this.#step = step
    this.#stamped = { first, t: t0 }
    const made = piece(first, start, step, values)
    this.pieces.push(made)
    return [made.t, made.end]
  }

  /** What comes late goes where its numbers are missing. */
  #insert(first, t0, dt, values) {
    const end = first + values.length
    let [from, to, at] = [Infinity, -Infinity, first]
    const made = []
    for (const known of [...this.pieces, { first: end, next: end }]) {
      if (known.next <= at && known.first < end) continue
      if (known.first > at) {
        const stop = Math.min(known.first, end)
        const part = piece(at, t0 + (at - first) * dt, dt, values.slice(at - first, stop - first))
        made.push(part)
        from = Math.min(from, part.t)
        to = Math.max(to, part.end)
      }
      at = Math.max(at, known.next)
      if (at >= end) break
    }
    if (made.length === 0) return undefined
    this.pieces = [...this.pieces, ...made].sort((a, b) => a.first - b.first)
    return [from, to]
  }

  /** Forgets what is older. Unit: ms. */
  forget(before) {
    let count = 0
    while (count < this.pieces.length && this.pieces[count].end < before) count += 1
    if (count > 0) this.pieces.splice(0, count)
  }

  /** The least and the greatest value since a time; undefined where there is none. */
  range(since) {
    let [low, high] = NO_RANGE
    for (let place = this.pieces.length - 1; place >= 0 && this.pieces[place].end >= since; place -= 1) {
      low = Math.min(low, this.pieces[place].low)
      high = Math.max(high, this.pieces[place].high)
    }
    return low <= high ? [low, high] : undefined
  }

  /**
   * Walks over the samples from one time to another, and calls `move(t, v)` where the pen is set down and `line(t, v)`
   * where it goes on: it is lifted over a missing number, over a sample without a value, and over a jump in time.
   */
  walk(from, to, move, line) {
    let place = this.pieces.length - 1
    while (place > 0 && this.pieces[place].t > from) place -= 1
    let [down, before] = [false, undefined]
    for (; place < this.pieces.length; place += 1) {
      const { first, next, t, dt, values, end } = this.pieces[place]
      if (t > to) break
      if (end < from) { before = undefined; continue }
      if (before && (first !== before.next || t - before.end > SLIP + 3 * dt)) down = false
      const begin = Math.max(0, Math.floor((from - t) / dt))
      const stop = Math.min(values.length - 1, Math.ceil((to - t) / dt))
      for (let k = begin; k <= stop; k += 1) {
        const value = values[k]
        if (value !== value) { down = false; continue }
        if (down) line(t + k * dt, value)
        else move(t + k * dt, value)
        down = true
      }
      before = { next, end }
    }
  }
}

/** A step that people read easily: 1, 2 or 5 times a power of ten. */
export function niceStep(span) {
  const power = 10 ** Math.floor(Math.log10(span))
  return [1, 2, 5, 10].find((one) => one * power >= span * (1 - 1e-9)) * power
}

/**
 * The scale of a curve: the one that was, as long as the curve stays in it and fills nearly half; else a new one.
 * @param range [low, high] lately  @param scale [low, high] that was, or undefined
 */
export function scaleFor(range, scale) {
  if (!range) return scale
  const [low, high] = range
  const span = high - low
  if (scale && low >= scale[0] && high <= scale[1] && span >= 0.4 * (scale[1] - scale[0])) return scale
  if (!(span > 0)) return scale && low >= scale[0] && high <= scale[1] ? scale : [low - 1, high + 1]
  const step = niceStep(span / 8)
  return [Math.floor(low / step) * step, Math.ceil(high / step) * step]
}
