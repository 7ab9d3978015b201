// The server's clock, seen from a page or a worker.

// For how long the smallest delay counts: a clock that drifts by 100 ppm is 6 ms off by then. Unit: ms.
const OFFSET_WINDOW = 30000

/** The server's clock as it is seen from here: the message that came fastest says most. */
export class ServerClock {
  #windows = []
  #utcAhead = 0

  /** @param mono server's boot clock, ms  @param utc server's UTC, ms  @param here performance.now() at arrival, ms */
  take(mono, utc, here) {
    if (!Number.isFinite(mono) || !Number.isFinite(utc)) return
    const last = this.#windows.at(-1)
    if (last && here - last.began < OFFSET_WINDOW) last.offset = Math.max(last.offset, mono - here)
    else this.#windows = [...this.#windows.slice(-1), { began: here, offset: mono - here }]
    this.#utcAhead = utc - mono
  }

  reset() { this.#windows = [] }

  /** Server's boot clock less performance.now(). Unit: ms; undefined before the first message. */
  get offset() {
    return this.#windows.length ? Math.max(...this.#windows.map((one) => one.offset)) : undefined
  }

  now(here) {
    const mono = here + (this.offset ?? 0)
    return { mono, utc: mono + this.#utcAhead }
  }
}
