// How long a bed's curves wait before they are drawn: as late as their samples come, so that each runs evenly.

const LATENESS_WINDOW = 15000 // ms for which a lateness counts, and at most twice that
const OCCASION = 1000 // ms: what comes late within it is late once, by one hold-up
const MARGIN = 50 // ms beside what was seen
export const LONGEST_DELAY = 1500 // ms: what comes later than so runs in steps
const [SLOWER, FASTER] = [0.5, 0.1] // by how much of its speed a pen is held back, or hurries, until it is right

/** The delay of one bed: all its curves have the same, so that what was at once stands in one line. Pure. */
export class Delay {
  #windows = []
  #value = undefined
  #at = undefined

  /**
   * Takes how late the first sample of an entry came that goes on where the last one ended.
   *
   * One hold-up may be a chance, and it makes several entries late; what came so late on two occasions within the
   * window is the device's way.
   * @param n the stream  @param lateness ms  @param here any clock, ms
   */
  take(n, lateness, here) {
    if (!(lateness > 0)) return
    const last = this.#windows.at(-1)
    if (!last || here - last.began >= LATENESS_WINDOW) {
      this.#windows = [...this.#windows.slice(-1), { began: here, late: new Map() }]
    }
    const late = this.#windows.at(-1).late
    if (!late.has(n)) late.set(n, [])
    const occasion = late.get(n).at(-1)
    if (occasion && here - occasion.began < OCCASION) occasion.worst = Math.max(occasion.worst, lateness)
    else late.get(n).push({ began: here, worst: lateness })
  }

  /** What the delay should be, at least `least`. Unit: ms. */
  wanted(least) {
    const all = new Map()
    for (const { late } of this.#windows) {
      for (const [n, some] of late) all.set(n, [...(all.get(n) ?? []), ...some.map((one) => one.worst)])
    }
    const twice = [...all.values()].map((some) => some.sort((a, b) => b - a)[1] ?? 0)
    return Math.min(LONGEST_DELAY, Math.max(least, ...twice.map((one) => one + MARGIN)))
  }

  /** The delay now: it slides, so that a pen never stands or goes back. Unit: ms. */
  now(here, least) {
    const wanted = this.wanted(least)
    const passed = Math.max(0, here - (this.#at ?? here))
    const [down, up] = [this.#value - FASTER * passed, this.#value + SLOWER * passed]
    this.#value = this.#value === undefined ? wanted : Math.max(down, Math.min(up, wanted))
    this.#at = here
    return this.#value
  }
}
