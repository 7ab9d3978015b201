// How a value is shown: as it is, as dashes with an age, or as dashes with a reason. Pure: time is given.

const COUNTS = new Set(["valid", "validated", "questionable"])
export const DASHES = "– –"

/**
 * What stands for a stream's newest value.
 *
 * @param stream as in the picture; @param value {t, text, validity, reason} or undefined; @param mono now, server's ms
 * @param link "live", "lost" or "standing": without a live link nothing is known to be of now
 * @returns {state: "none" | "stale" | "invalid" | "questionable" | "fresh", text, age (ms), reason}, and `isResult`
 *   where a value stands that is of its own time
 */
export function judge(stream, value, mono, link = "live") {
  if (!stream || !value) return { state: "none", text: DASHES, age: undefined, reason: "" }
  const age = Math.max(0, mono - value.t)
  // A result (a cuff's pressure) is of its own time: it has no staleAfter, and is shown with its age.
  const isLate = stream.staleAfter !== null && !(age <= stream.staleAfter)
  if (link !== "live" || isLate) return { state: "stale", text: DASHES, age, reason: "stale" }
  if (!COUNTS.has(value.validity) || value.text === null) {
    return { state: "invalid", text: DASHES, age, reason: value.reason || value.validity }
  }
  const state = value.validity === "questionable" ? "questionable" : "fresh"
  return { state, text: value.text, age, reason: value.reason, isResult: stream.staleAfter === null }
}

/** An age in few characters: seconds to two minutes, minutes to two hours, hours to two days, then days. Unit: ms. */
export function ageParts(age) {
  const seconds = Math.floor(age / 1000)
  if (seconds < 120) return [seconds, "ageSeconds"]
  if (seconds < 7200) return [Math.floor(seconds / 60), "ageMinutes"]
  if (seconds < 172800) return [Math.floor(seconds / 3600), "ageHours"]
  return [Math.floor(seconds / 86400), "ageDays"]
}
