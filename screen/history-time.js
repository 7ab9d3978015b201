// Times of the unit's zone, by name, in Western digits and in the order of ISO 8601, whatever the page's language is.

const formats = new Map()

/** A formatter of a zone; of UTC where the browser does not know the name. */
function format(zone) {
  if (!formats.has(zone)) {
    const options = {
      calendar: "gregory", numberingSystem: "latn", hourCycle: "h23", year: "numeric", month: "2-digit",
      day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    }
    let made
    try {
      made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone })
    } catch {
      made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" })
    }
    formats.set(zone, made)
  }
  return formats.get(zone)
}

/** The name of the zone whose times are shown: the asked one, or UTC where it is not known. */
export function shownZone(zone) {
  return format(zone).resolvedOptions().timeZone
}

/** The calendar's parts of a time, as numbers. Unit of `utc`: ms since 1970. */
export function parts(utc, zone) {
  const found = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 }
  for (const part of format(zone).formatToParts(utc)) {
    if (part.type in found) found[part.type] = Number(part.value)
  }
  return found
}

/** How far the zone's clocks are ahead of UTC then. Unit: ms. */
export function offset(utc, zone) {
  const p = parts(utc, zone)
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - Math.floor(utc / 1000) * 1000
}

const two = (number) => String(number).padStart(2, "0")

/** `2026-11-30`. */
export function dateText(utc, zone) {
  const p = parts(utc, zone)
  return `${p.year}-${two(p.month)}-${two(p.day)}`
}

/** `14:05`, `14:05:09` or `14:05:09.250`, as fine as a step needs. Unit of `step`: ms. */
export function clockText(utc, zone, step = 1000) {
  const p = parts(utc, zone)
  let text = `${two(p.hour)}:${two(p.minute)}`
  if (step < 60000) text += `:${two(p.second)}`
  if (step < 1000) text += `.${String(((Math.floor(utc) % 1000) + 1000) % 1000).padStart(3, "0")}`
  return text
}

/** `2026-11-30 14:05:09`. */
export function momentText(utc, zone, step = 1000) {
  return `${dateText(utc, zone)} ${clockText(utc, zone, step)}`
}

/** `Asia/Riyadh (UTC+03:00)`. */
export function zoneText(utc, zone) {
  const minutes = Math.round(offset(utc, zone) / 60000)
  const size = Math.abs(minutes)
  return `${shownZone(zone)} (UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)})`
}

/** A field's text `2026-11-30 14:05` as a time of the zone; `null` of anything else. Unit: ms since 1970. */
export function timeOfField(text, zone) {
  const match = /^\s*(\d{4})-(\d\d)-(\d\d)[ T]+(\d\d):(\d\d)(?::(\d\d))?\s*$/.exec(text)
  if (!match) return null
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0))
  const local = Date.UTC(year, month - 1, day, hour, minute, second)
  // Twice: the first guess may lie on the other side of a change of the clocks.
  const guess = local - offset(local, zone)
  return local - offset(guess, zone)
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** Steps between marks of a time axis. Unit: ms. */
const steps = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, second, 2 * second, 5 * second, 10 * second, 15 * second, 30 * second, minute,
  2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day,
  2 * day, 7 * day,
]

/** The marks of a time axis: at round times of the zone, at most `most` of them. */
export function timeMarks(from, to, most, zone) {
  const step = steps.find((candidate) => (to - from) / candidate <= most) ?? Math.ceil((to - from) / most / day) * day
  const shift = offset(from, zone)
  const marks = []
  for (let local = Math.ceil((from + shift) / step) * step; local - shift < to; local += step) {
    marks.push(local - shift)
  }
  return { step, marks }
}

/** A length of time in plain figures: `250 ms`, `12.5 s`, `4 min 05 s`, `3 h 20 min`. */
export function lengthText(milliseconds) {
  const size = Math.abs(milliseconds)
  const sign = milliseconds < 0 ? "−" : ""
  if (size < second) return `${sign}${Math.round(size)} ms`
  if (size < minute) return `${sign}${(size / second).toFixed(size < 10 * second ? 2 : 1)} s`
  if (size < hour) return `${sign}${Math.floor(size / minute)} min ${two(Math.floor((size % minute) / second))} s`
  return `${sign}${Math.floor(size / hour)} h ${two(Math.floor((size % hour) / minute))} min`
}

/** The marks of a value axis: round numbers within a range, and how many places they have. */
export function valueMarks(low, high, most) {
  const span = high - low
  if (!(span > 0) || !Number.isFinite(span)) return { marks: [low], places: 0 }
  const rough = span / Math.max(1, most)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999999)
  const places = Math.max(0, Math.min(9, -Math.floor(Math.log10(step) + 1e-9)))
  const marks = []
  for (let index = Math.ceil(low / step); index * step <= high && marks.length < 50; index += 1) {
    marks.push(index * step)
  }
  return { marks, places }
}
