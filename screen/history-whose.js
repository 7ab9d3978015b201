// Whose the values of the past are, and whether that is whoever is at the bed now. The server tells it by the column:
// the number of a binding, `null` of nobody, "several" where two follow each other in one; nothing where there is no
// value.

import { store } from "./store.js"

/** Whose the values of a device are now: the number of the binding at its bed; `null` where nobody is bound. */
export function presentOf(device) {
  const bed = store.devices.get(device)?.bed
  return store.beds.get(bed)?.patient?.binding ?? null
}

/** The runs of an answer as one entry a column that has values. `null` where they are none. */
export function columnsOf(runs, count, hasValue) {
  if (!Array.isArray(runs)) return null
  const whose = new Array(count)
  let last = -1
  for (const [place, run] of runs.entries()) {
    const [column, holder] = Array.isArray(run) ? run : []
    const isHolder = holder === null || holder === "several" || (Number.isSafeInteger(holder) && holder > 0)
    if (!Number.isSafeInteger(column) || column <= last || column >= count || !isHolder) return null
    last = column
    const end = Number.isSafeInteger(runs[place + 1]?.[0]) ? runs[place + 1][0] : count
    for (let index = column; index < Math.min(end, count); index += 1) if (hasValue(index)) whose[index] = holder
  }
  for (let index = 0; index < count; index += 1) if (hasValue(index) && whose[index] === undefined) return null
  return whose
}

/** Whose a stream's values are at a time: of the nearest column before it that has some, or else behind it. */
export function whoseAt(data, n, utc) {
  const whose = data?.streams.get(n)?.whose
  if (!whose) return undefined
  const place = Math.floor(((utc - data.from) / (data.to - data.from)) * data.columns)
  for (let index = Math.min(place, whose.length - 1); index >= 0; index -= 1) {
    if (whose[index] !== undefined) return whose[index]
  }
  return whose.find((holder) => holder !== undefined)
}

/** Whether something of a stream is of somebody else, within a time. */
export function hasFormer(data, n, present, from, to) {
  const stream = data?.streams.get(n)
  if (!stream) return false
  const width = (data.to - data.from) / data.columns
  return stream.whose.some((holder, index) => holder !== undefined && holder !== present
    && data.from + (index + 1) * width > from && data.from + index * width < to)
}
