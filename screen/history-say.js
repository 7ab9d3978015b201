// The past in words and figures: what is at a point, what lies between two, and tables for those who hear the page.

import { kindOf } from "./history-plot.js"
import { lengthText, momentText } from "./history-time.js"

/** The column of a time; -1 outside. */
function columnOf(data, utc) {
  const place = Math.floor(((utc - data.from) / (data.to - data.from)) * data.columns)
  return place >= 0 && place < data.columns ? place : -1
}

/** How many places behind the point a decimal has. */
const places = (text) => (String(text).split(".")[1] ?? "").length

/** A difference of exact decimals, exact in their last place. */
function difference(one, other) {
  const digits = Math.max(places(one), places(other))
  const value = Number(one) - Number(other)
  const text = Math.abs(value).toFixed(digits)
  return `${value < 0 && Number(text) !== 0 ? "−" : "+"}${text}`
}

/** The least and the greatest value at a time, as recorded; `null` where there is none. */
export function valueAt(data, n, utc) {
  const stream = data?.streams.get(n)
  const index = stream ? columnOf(data, utc) : -1
  if (index < 0 || stream.lowText[index] === null) return null
  return { low: String(stream.lowText[index]), high: String(stream.highText[index]), whose: stream.whose[index] }
}

/** A value or a span of them as figures. */
export function spanText(value) {
  if (!value) return "--"
  return value.low === value.high ? value.low : `${value.low}…${value.high}`
}

/** What has changed from one value to another; a span where either is one. From one patient to another: nothing. */
export function changeText(from, to) {
  if (!from || !to || from.whose !== to.whose || from.whose === "several") return "--"
  const low = difference(to.low, from.high)
  const high = difference(to.high, from.low)
  return low === high ? low : `${low}…${high}`
}

/** The word why values are missing at a time; `null` where none are. */
export function gapAt(data, n, utc) {
  return data?.streams.get(n)?.gaps.find((gap) => gap.from <= utc && utc < gap.to)?.word ?? null
}

/** What lies between two points: { time, step, rows: [{ row, from, to, change }] }. Times in words of figures. */
export function between(data, rows, points) {
  const [from, to] = points
  return {
    time: lengthText(to - from),
    step: lengthText((data.to - data.from) / data.columns),
    rows: rows.map((row) => {
      const [one, other] = [valueAt(data, row.n, from), valueAt(data, row.n, to)]
      return { row, from: spanText(one), to: spanText(other), change: changeText(one, other) }
    }),
  }
}

/**
 * The least and the greatest of a stream in parts of a time, for a table: [{ from, to, values: [text] }]: of whoever is
 * there now; where all is of somebody else, `former` says so behind it.
 */
export function parts(data, rows, from, to, count, former) {
  const textOf = (row, begin, end) => {
    const own = spanOf(data, row.n, begin, end, row.present)
    if (own) return spanText(own)
    const all = spanOf(data, row.n, begin, end)
    return all ? `${spanText(all)} (${former})` : spanText(null)
  }
  const made = []
  for (let part = 0; part < count; part += 1) {
    const [begin, end] = [from + ((to - from) * part) / count, from + ((to - from) * (part + 1)) / count]
    made.push({ from: begin, to: end, values: rows.map((row) => textOf(row, begin, end)) })
  }
  return made
}

/**
 * The least and the greatest value of a time, as recorded; `null` where there is none. `present`: only of that one's,
 * as history-whose.js has it; left out: of everybody's.
 */
export function spanOf(data, n, from, to, present = undefined) {
  const stream = data?.streams.get(n)
  if (!stream) return null
  const width = (data.to - data.from) / data.columns
  const first = Math.max(0, Math.round((from - data.from) / width))
  const last = Math.min(data.columns, Math.max(first + 1, Math.round((to - data.from) / width)))
  let [low, high] = [-1, -1]
  for (let index = first; index < last; index += 1) {
    if (Number.isNaN(stream.low[index]) || (present !== undefined && stream.whose[index] !== present)) continue
    if (low < 0 || stream.low[index] < stream.low[low]) low = index
    if (high < 0 || stream.high[index] > stream.high[high]) high = index
  }
  return low < 0 ? null : { low: String(stream.lowText[low]), high: String(stream.highText[high]) }
}

/**
 * An event in words: its time, what it is, where, and what the device or the host said of it. `words` gives the word
 * of an event's name; `isArabic` chooses among the words that the journal has in both languages.
 */
export function eventParts(event, zone, words, isArabic) {
  const more = event.more
  const said = isArabic ? more.textArabic ?? more.text : more.text
  return {
    time: momentText(event.utc, zone), kind: kindOf(event), name: words(event.name),
    device: event.device ?? "", bed: typeof more.bed === "string" ? more.bed : "",
    said: typeof said === "string" ? said : typeof more.word === "string" ? more.word : more.alert ?? more.metric ?? "",
  }
}

/** A table of texts: { caption, head: [text], rows: [[text]] }. `cell` makes a cell's content of a text. */
export function table({ caption, head, rows }, cell) {
  const made = document.createElement("table")
  if (caption) made.createCaption().textContent = caption
  const top = made.createTHead().insertRow()
  for (const text of head) {
    const heading = document.createElement("th")
    heading.scope = "col"
    heading.append(cell(text))
    top.append(heading)
  }
  const body = made.createTBody()
  for (const row of rows) {
    const line = body.insertRow()
    row.forEach((text, index) => {
      const one = index === 0 ? document.createElement("th") : line.insertCell()
      if (index === 0) {
        one.scope = "row"
        line.append(one)
      }
      one.append(cell(text))
    })
  }
  return made
}
