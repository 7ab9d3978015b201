// Asks the server of the past and reads its answers strictly: what is not in the documented form is an error, not a
// picture. Nothing here draws.

import { columnsOf } from "./history-whose.js"

/** Why there is no answer; `code` chooses the words. */
export class HistoryFault extends Error {
  constructor(code, words = "") {
    super(words || code)
    this.code = code
    this.words = words
  }
}

/** The most that an answer may have: 32 streams × 4000 columns × 3 numbers, with room. Unit: bytes. */
const mostBytes = 48 << 20
/** What the server answers at once. */
export const limits = { streams: 32, columns: 4000, time: 31 * 86400000 }

function address(path, parameters) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value))
  }
  return `${path}?${query}`
}

// The host reads for few at once, and says so: what a screen before this one asked may still be under way.
const [TRIES, REST] = [8, 1000] // REST: ms

const rest = (signal) => new Promise((done, failed) => {
  const timer = setTimeout(done, REST)
  signal?.addEventListener("abort", () => {
    clearTimeout(timer)
    failed(signal.reason)
  }, { once: true })
})

async function ask(path, parameters, signal) {
  let response
  try {
    for (let tried = 1; ; tried += 1) {
      response = await fetch(address(path, parameters), { signal, cache: "no-store", credentials: "omit" })
      if (response.status !== 503 || tried >= TRIES) break
      await rest(signal)
    }
  } catch (error) {
    if (error.name === "AbortError") throw error
    throw new HistoryFault("unreachable")
  }
  if (response.ok) return response
  let words = ""
  let code = "refused"
  try {
    const answer = await response.json()
    if (typeof answer.failure === "string") words = answer.failure
    if (typeof answer.code === "string") code = answer.code
  } catch (error) {
    if (error.name === "AbortError") throw error
  }
  throw new HistoryFault(code, words)
}

/** Gives each line of an answer to `line`, as it comes. */
async function eachLine(response, line) {
  const reader = response.body.getReader()
  const decoder = new TextDecoder("utf-8", { fatal: true })
  let rest = []
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.length
      if (bytes > mostBytes) throw new HistoryFault("malformed")
      const pieces = decoder.decode(value, { stream: true }).split("\n")
      for (let index = 0; index < pieces.length - 1; index += 1) {
        line(rest.join("") + pieces[index])
        rest = []
      }
      rest.push(pieces[pieces.length - 1])
    }
  } catch (error) {
    await reader.cancel().catch(() => {})
    if (error instanceof HistoryFault || error.name === "AbortError") throw error
    throw new HistoryFault("broken")
  }
  const last = rest.join("")
  if (last.trim() !== "") line(last)
}

const isTime = (value) => Number.isSafeInteger(value) && value >= 0 && value < 1e16
const isWord = (value) => value === null || value === undefined || typeof value === "string"
const need = (condition) => {
  if (!condition) throw new HistoryFault("malformed")
}

/** The streams that have samples in a time, and the host's sessions in it. */
export async function readStreams({ from, to, mark }, signal) {
  const response = await ask("/streams", { from, to, mark }, signal)
  let answer
  try {
    answer = await response.json()
  } catch (error) {
    if (error.name === "AbortError") throw error
    throw new HistoryFault("malformed")
  }
  need(Array.isArray(answer.streams) && answer.streams.length <= 100000)
  for (const stream of answer.streams) {
    need(Number.isSafeInteger(stream.n) && typeof stream.device === "string" && typeof stream.metric === "string")
    need([stream.vmd, stream.label, stream.labelArabic, stream.unit, stream.bed, stream.kind].every(isWord))
  }
  return { streams: answer.streams, sessions: sessionsOf(answer.sessions ?? []) }
}

function sessionsOf(list) {
  need(Array.isArray(list))
  return list.map((session) => {
    need(typeof session.session === "string" && isTime(session.from) && isTime(session.to) && isWord(session.mark))
    return { session: session.session, from: session.from, to: session.to, mark: session.mark ?? null }
  })
}

/** Exact decimals as numbers to draw with; their texts are kept for what is said in figures. */
function numbers(texts, count) {
  need(Array.isArray(texts) && texts.length === count)
  const values = new Float64Array(count)
  for (let index = 0; index < count; index += 1) {
    const text = texts[index]
    values[index] = text === null ? NaN : Number(text)
    need(text === null || ((typeof text === "string" || typeof text === "number") && Number.isFinite(values[index])))
  }
  return values
}

function gapsOf(list) {
  need(Array.isArray(list))
  return list.map((gap) => {
    need(Array.isArray(gap) && isTime(gap[0]) && isTime(gap[1]) && gap[0] <= gap[1] && typeof gap[2] === "string")
    return { from: gap[0], to: gap[1], word: gap[2] }
  }).sort((one, other) => one.from - other.from)
}

function eventsOf(list) {
  need(Array.isArray(list))
  return list.map((event) => {
    need(Array.isArray(event) && isTime(event[0]) && typeof event[1] === "string" && isWord(event[2]))
    const more = event[4] && typeof event[4] === "object" ? event[4] : {}
    return { utc: event[0], name: event[1], device: event[2] ?? null, instance: event[3] ?? null, more }
  }).sort((one, other) => one.utc - other.utc)
}

/** The last line of an answer, checked. */
export function historyOf(answer, asked) {
  need(answer && typeof answer === "object" && answer.from === asked.from && answer.to === asked.to)
  const count = answer.columns
  need(Number.isSafeInteger(count) && count >= 1 && count <= limits.columns && Array.isArray(answer.streams))
  const streams = new Map()
  for (const stream of answer.streams) {
    need(asked.streams.includes(stream.n) && !streams.has(stream.n))
    const [low, high] = [numbers(stream.low, count), numbers(stream.high, count)]
    const whose = columnsOf(stream.whose, count, (index) => !Number.isNaN(low[index]))
    need(whose !== null)
    streams.set(stream.n, {
      n: stream.n, low, high, whose, lowText: stream.low, highText: stream.high,
      gaps: gapsOf(stream.gaps ?? []), gapsMore: stream.gapsMore === true,
    })
  }
  const sessions = sessionsOf(answer.sessions ?? [])
  const mark = answer.mark === undefined ? sessions.at(-1)?.mark ?? null : answer.mark
  // What is shown together is of one kind: an answer that mixes them is none.
  if (sessions.some((session) => session.mark !== mark)) throw new HistoryFault("mixed")
  return {
    from: answer.from, to: answer.to, columns: count, mark, streams, sessions, events: eventsOf(answer.events ?? []),
    eventsMore: answer.eventsMore === true,
  }
}

/**
 * The least and the greatest value of each column of a time.
 *
 * asked: { streams: [number], from, to (ms since 1970), columns, mark }. `progress` is told numbers from 0 to 1.
 */
export async function readHistory(asked, { signal, progress = () => {} } = {}) {
  const response = await ask("/history", {
    streams: asked.streams.join(","), from: asked.from, to: asked.to, columns: asked.columns, mark: asked.mark,
  }, signal)
  let found = null
  await eachLine(response, (text) => {
    if (text.trim() === "") return
    let line
    try {
      line = JSON.parse(text)
    } catch {
      throw new HistoryFault("malformed")
    }
    if (typeof line.progress === "number") progress(Math.max(0, Math.min(1, line.progress)))
    else if (typeof line.failure === "string") throw new HistoryFault(line.code ?? "refused", line.failure)
    else found = historyOf(line, asked)
  })
  if (!found) throw new HistoryFault("broken")
  return found
}

/** The samples as they are recorded, as a file's content. `progress` is told how many bytes there are. */
export async function readTable(asked, { signal, progress = () => {} } = {}) {
  const response = await ask("/history", {
    streams: asked.streams.join(","), from: asked.from, to: asked.to, format: "csv", mark: asked.mark,
  }, signal)
  const reader = response.body.getReader()
  const pieces = []
  let bytes = 0
  for (;;) {
    let piece
    try {
      piece = await reader.read()
    } catch (error) {
      if (error.name === "AbortError") throw error
      throw new HistoryFault("broken")
    }
    if (piece.done) break
    pieces.push(piece.value)
    bytes += piece.value.length
    progress(bytes)
  }
  return new Blob(pieces, { type: "text/csv;charset=utf-8" })
}
