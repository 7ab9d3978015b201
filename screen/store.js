// What the unit's picture is now: one state, merged from what the console tells. Everything on the screen is read here.

import { ServerClock } from "./clock.js"
import { judge } from "./values.js"

const WHOLE = ["commands", "pumps", "consultations"]

const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value)
const listOf = (value, test) => (Array.isArray(value) ? value.filter(test) : [])
const byId = (list, member) => new Map(listOf(list, (one) => isRecord(one) && typeof one[member] === "string")
  .map((one) => [one[member], one]))

/** A value as the console writes it, [n, mono ms, text or null, validity, reason]; undefined where it is not one. */
function valueOf(row) {
  if (!Array.isArray(row) || !Number.isInteger(row[0]) || !Number.isFinite(row[1])) return undefined
  const text = typeof row[2] === "string" ? row[2] : null
  return { n: row[0], t: row[1], text, validity: String(row[3] ?? ""), reason: String(row[4] ?? "") }
}

/**
 * The store. Events: "picture" (all is new), "beat" (detail: {values, alarms, beds, devices, commands, pumps,
 * consultations}: the members that changed), "alarms", "link" (detail: {state}), "curves", "language" (from
 * words.js). Waves go to the drawing worker and nowhere else.
 */
class Store extends EventTarget {
  /** The merged picture: `beds`, `devices`, `streams`, `values`, `alarms` are Maps; undefined before the first. */
  picture = undefined
  /** "live", "lost" (the console does not tell) or "standing" (it tells, but nothing is recorded). */
  link = "lost"
  /** "moving", or "standing" where curves can no longer be drawn. */
  curves = "moving"
  clock = new ServerClock()

  get beds() { return this.picture?.beds ?? new Map() }
  get devices() { return this.picture?.devices ?? new Map() }
  get streams() { return this.picture?.streams ?? new Map() }
  get values() { return this.picture?.values ?? new Map() }
  get alarms() { return this.picture?.alarms ?? new Map() }

  /** The server's time now: {mono, utc}, both in ms. */
  now() { return this.clock.now(performance.now()) }

  /** How a stream's newest value is to be shown now; see values.js. */
  shown(n) { return judge(this.streams.get(n), this.values.get(n), this.now().mono, this.link) }

  takePicture(told, here = performance.now()) {
    if (!isRecord(told) || told.form !== 1) return false
    if (told.session !== this.picture?.session) this.clock.reset()
    this.clock.take(told.mono, told.utc, here)
    const picture = { ...told, beds: byId(told.beds, "bed"), devices: byId(told.devices, "device") }
    picture.alarms = byId(told.alarms, "instance")
    picture.streams = new Map(listOf(told.streams, (s) => isRecord(s) && Number.isInteger(s.n)).map((s) => [s.n, s]))
    picture.values = new Map(listOf(told.values, valueOf).map((row) => [row[0], valueOf(row)]))
    for (const name of WHOLE) picture[name] = listOf(told[name], isRecord)
    this.picture = picture
    this.#tell("picture")
    this.#tell("alarms")
    return true
  }

  takeBeat(told, here = performance.now()) {
    if (!isRecord(told) || !this.picture || !Number.isFinite(told.mono)) return false
    this.clock.take(told.mono, told.utc, here)
    const picture = this.picture
    const changed = {}
    for (const name of ["mono", "utc", "clock", "recording", "committed"]) {
      if (name in told) picture[name] = told[name]
    }
    if ("values" in told) {
      changed.values = listOf(told.values, valueOf).map((row) => row[0])
      for (const row of listOf(told.values, valueOf)) picture.values.set(row[0], valueOf(row))
    }
    for (const [name, member] of [["beds", "bed"], ["devices", "device"]]) {
      if (!Array.isArray(told[name])) continue
      changed[name] = [...byId(told[name], member).keys()]
      for (const [id, one] of byId(told[name], member)) picture[name].set(id, one)
    }
    for (const name of WHOLE) {
      if (Array.isArray(told[name])) changed[name] = picture[name] = listOf(told[name], isRecord)
    }
    if (Array.isArray(told.alarms)) changed.alarms = picture.alarms = byId(told.alarms, "instance")
    this.#tell("beat", changed)
    if (changed.alarms) this.#tell("alarms")
    return true
  }

  takeLink(state) {
    if (state === this.link) return
    this.link = state
    this.#tell("link", { state })
  }

  takeCurves(state) {
    if (state === this.curves) return
    this.curves = state
    this.#tell("curves")
  }

  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })) }
}

export const store = new Store()
