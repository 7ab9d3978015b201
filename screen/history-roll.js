// The last hours of some streams, a column a minute, kept up with little: after the first answer only the newest
// minutes are asked for.

import { limits, readHistory } from "./history-read.js"

const MINUTE = 60000
// The newest minutes are asked for again: what was recorded late is in them by then.
const AGAIN = 3

/** Puts the newest columns behind those that are known; both have columns of one minute at whole minutes. */
export function joined(known, fresh, from) {
  const columns = Math.round((fresh.to - from) / MINUTE)
  const kept = Math.round((fresh.from - from) / MINUTE)
  const skipped = Math.round((from - known.from) / MINUTE)
  const streams = new Map()
  for (const [n, late] of fresh.streams) {
    const early = known.streams.get(n)
    const both = (member, Kind, nothing = null) => {
      const made = Kind.from({ length: columns }, () => (Kind === Float64Array ? NaN : nothing))
      for (let index = 0; index < kept; index += 1) made[index] = early[member][index + skipped]
      for (let index = kept; index < columns; index += 1) made[index] = late[member][index - kept]
      return made
    }
    streams.set(n, {
      n, low: both("low", Float64Array), high: both("high", Float64Array), lowText: both("lowText", Array),
      highText: both("highText", Array), whose: both("whose", Array, undefined),
      gaps: gapsOf(early.gaps, late.gaps, from, fresh.from), gapsMore: false,
    })
  }
  const events = [...known.events.filter((event) => event.utc >= from && event.utc < fresh.from), ...fresh.events]
  return { ...fresh, from, columns, streams, events, eventsMore: known.eventsMore || fresh.eventsMore }
}

function gapsOf(early, late, from, border) {
  const kept = early.filter((gap) => gap.from < border && gap.to > from)
    .map((gap) => ({ ...gap, from: Math.max(from, gap.from), to: Math.min(gap.to, border) }))
  const last = kept.at(-1)
  const first = late[0]
  const isOne = last && first && last.to === border && first.from <= border && first.word === last.word
  if (!isOne) return [...kept, ...late]
  return [...kept.slice(0, -1), { ...last, to: first.to }, ...late.slice(1)]
}

/**
 * Keeps the last hours. `wanted()` gives the numbers of the streams, `whose()` who is there now: another one may have
 * come hours ago, so all is asked for again then. `changed(data, error)` is told each time.
 */
export class Rolling {
  constructor({ hours, wanted, whose, now, changed }) {
    Object.assign(this, { hours, wanted, whose, now, changed, data: null, streams: "" })
    this.look = () => this.ask()
    document.addEventListener("visibilitychange", this.look)
    this.timer = setInterval(this.look, MINUTE)
    this.ask()
  }

  end() {
    clearInterval(this.timer)
    document.removeEventListener("visibilitychange", this.look)
    this.asking?.abort()
    this.asking = null
  }

  async ask() {
    if (document.hidden) return
    const streams = this.wanted().slice(0, limits.streams)
    const key = `${streams.join(",")} ${this.whose()}`
    if (key !== this.streams) this.data = null
    this.streams = key
    this.asking?.abort()
    if (streams.length === 0) return void this.changed(null, null)
    const asking = this.asking = new AbortController()
    const to = Math.ceil(this.now() / MINUTE) * MINUTE
    const from = to - this.hours * 60 * MINUTE
    const known = this.data && this.data.to >= from && this.data.to <= to ? this.data : null
    const begin = known ? Math.max(from, known.to - AGAIN * MINUTE) : from
    try {
      const asked = { streams, from: begin, to, columns: Math.round((to - begin) / MINUTE) }
      const fresh = await readHistory(asked, { signal: asking.signal })
      if (asking.signal.aborted) return undefined
      // Another kind of data than before is never put behind it.
      const isSame = known && known.mark === fresh.mark && [...fresh.streams.keys()].every((n) => known.streams.has(n))
      if (known && !isSame) {
        this.data = null
        return void this.ask()
      }
      this.data = known ? joined(known, fresh, from) : fresh
      this.changed(this.data, null)
    } catch (error) {
      if (error.name !== "AbortError" && !asking.signal.aborted) this.changed(this.data, error)
    }
    return undefined
  }
}
