// What is true of a list of alarms, decided without a page: order, state, what sounds. Times are the host's.

/** From the most urgent on. */
export const PRIORITIES = ["high", "medium", "low"]
/** How urgent, without a colour. */
export const MARKS = { high: "!!!", medium: "!!", low: "!" }

const priorityOf = (alarm) => {
  const place = PRIORITIES.indexOf(alarm.priority)
  return place < 0 ? PRIORITIES.length : place
}

/** What nobody has seen comes first, by its priority; the same order as the host's own list. */
const rank = (alarm) => priorityOf(alarm) + (alarm.presence === "ack" ? PRIORITIES.length + 1 : 0)

/** The most urgent first; of equals the oldest. */
export function sorted(alarms) {
  return [...alarms].sort((one, other) => rank(one) - rank(other) || one.began - other.began)
}

/**
 * How an alarm is signalled: `given`, `paused`, `off`, `seen` (somebody has acknowledged it).
 *
 * @param mono the host's monotonic clock. Unit: ms. A pause ends by itself, also where nobody tells this screen.
 */
export function signal(alarm, mono) {
  if (alarm.presence === "ack") return "seen"
  if (alarm.activation === "off") return "off"
  if (alarm.activation === "paused") return isOver(alarm.until, mono) ? "given" : "paused"
  return "given"
}

const isOver = (until, mono) => typeof until === "number" && typeof mono === "number" && mono >= until

/** Whether it waits for somebody to say that they saw it. */
export const waits = (alarm) => alarm.presence !== "ack"

/** Where it is, as one key: the bed, or "" for what is at none. */
export const placeOf = (alarm) => alarm.bed ?? ""

/** The worst alarm of each place, the most urgent place first. Each with how many more there are. */
export function worstByPlace(alarms) {
  const places = new Map()
  for (const alarm of sorted(alarms)) {
    const known = places.get(placeOf(alarm))
    if (known === undefined) places.set(placeOf(alarm), { place: placeOf(alarm), worst: alarm, more: 0 })
    else known.more += 1
  }
  return [...places.values()]
}

/**
 * What sounds of all that stands: its priority, and whether nobody has answered it; `null`: nothing.
 *
 * Each alarm counts by itself: one that is silent silences no other.
 */
export function sounding(alarms, mono) {
  const given = alarms.filter((alarm) => alarm.presence === "on" && signal(alarm, mono) === "given")
  const priority = PRIORITIES.find((each) => given.some((alarm) => alarm.priority === each))
  if (priority === undefined) return null
  return { priority, isLouder: given.some((alarm) => alarm.priority === priority && alarm.escalated === true) }
}

/** Until when each place is silent: the latest of its pauses. Unit: ms of the host's monotonic clock, or null. */
export function pauses(alarms, mono) {
  const places = new Map()
  for (const alarm of alarms) {
    if (signal(alarm, mono) !== "paused") continue
    places.set(placeOf(alarm), Math.max(places.get(placeOf(alarm)) ?? 0, alarm.until ?? 0))
  }
  return places
}

/**
 * How many alarms began at beds, for each bed and hour, by the events of a time.
 *
 * @param events of `/log`, in any order.
 * @param from, to the time asked for. Unit: ms since 1970.
 * @param isCut whether there were more events than were told: then only the time that they span counts.
 * @returns `{ count, hours, perBedHour, byBed }`; `perBedHour` null where there is no time or no bed.
 */
export function rate(events, beds, { from, to, isCut }) {
  const times = events.map((event) => event.t).filter((time) => Number.isFinite(time))
  const begin = times.length > 0 ? Math.max(from, Math.min(...times)) : from
  const end = isCut && times.length > 0 ? Math.max(...times) : to
  const hours = Math.max(0, end - begin) / 3_600_000
  const byBed = new Map(beds.map((bed) => [bed, 0]))
  for (const event of events) {
    const bed = event.body?.bed
    if (event.event !== "alertStart" || !byBed.has(bed)) continue
    byBed.set(bed, byBed.get(bed) + 1 + (Number(event.body.repeated) || 0))
  }
  const count = [...byBed.values()].reduce((sum, each) => sum + each, 0)
  const bedHours = hours * beds.length
  return { count, hours, perBedHour: bedHours > 0 ? count / bedHours : null, byBed }
}
