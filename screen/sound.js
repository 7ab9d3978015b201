// The sound of this screen: bursts by priority, and whether it can be heard at all.

import { TONES, burst } from "./tones.js"

/** How often it is looked at what must sound. Unit: ms. */
const TICK = 100
/** A context whose clock does not move for so long gives nothing out. Unit: ms. */
const STILL = 2_000
/** Before the first pulse: less would be cut off. Unit: s. */
const LEAD = 0.05
const RANKS = ["high", "medium", "low", "reminder"]

/**
 * Whether this screen can sound:
 * `sounds`, `untouched` (the browser waits for a first touch), `noOutput` (no loudspeaker), `standing` (its clock
 * stands).
 */
export const AUDIBLE = ["sounds", "untouched", "noOutput", "standing"]

/** Sounds what is wanted, over and over, until something else is. It fires `audible` when that changes. */
export class Sounder extends EventTarget {
  #context = null
  #hasOutput = true
  #audible = "untouched"
  /** The clock of the context when it was last seen to move, and when that was. Unit: s, ms. */
  #moved = { at: -1, seen: 0 }
  #wanted = null
  /** What sounds or rests: its want, its silencing, when it comes again (s of the context; null: never). */
  #playing = null
  /** What was begun, for those who look: the newest 100. Unit of at: ms. */
  bursts = []

  /** @param makeContext gives an AudioContext; it may throw. */
  constructor(makeContext = () => new AudioContext()) {
    super()
    this.makeContext = makeContext
    this.open()
    this.timer = setInterval(() => this.tick(), TICK)
    this.onDevices = () => this.#lookForOutput()
    navigator.mediaDevices?.addEventListener("devicechange", this.onDevices)
    this.#lookForOutput()
  }

  get audible() {
    return this.#audible
  }

  /** Opens the way to the loudspeaker, or opens it again: to be called when somebody touches the screen. */
  open() {
    if (this.#audible === "standing" || this.#context?.state === "closed") this.#giveUp()
    try {
      this.#context ??= this.makeContext()
      this.#context.resume().catch(() => {})
    } catch {
      this.#context = null
    }
    this.tick()
  }

  /** A context that stands does not come back: the next one begins anew. */
  #giveUp() {
    if (this.#context?.state !== "closed") this.#context?.close().catch(() => {})
    this.#context = null
    this.#playing = null
    this.#moved = { at: -1, seen: performance.now() }
  }

  /** What must sound: `null`, or a priority of `TONES` and whether nobody has answered it. */
  want(wanted) {
    this.#wanted = wanted
    this.tick()
  }

  /** One soft burst, for somebody who listens whether it can be heard. */
  test() {
    this.open()
    if (this.#context !== null) burst(this.#context, TONES.medium, this.#context.currentTime + LEAD)
  }

  close() {
    clearInterval(this.timer)
    navigator.mediaDevices?.removeEventListener("devicechange", this.onDevices)
    this.#context?.close().catch(() => {})
  }

  tick() {
    this.#judge()
    const context = this.#context
    if (context === null) return
    const wanted = this.#wanted
    const playing = this.#playing
    if (playing !== null && (wanted === null || isOther(playing.wanted, wanted))) {
      // What is more urgent is not made to wait for what is less; what ends is silent at once.
      playing.silence()
      this.#playing = null
    }
    if (wanted === null || context.state !== "running") return
    const rest = this.#playing
    if (rest !== null && (rest.again === null || context.currentTime < rest.again)) return
    this.#begin(wanted)
  }

  #begin(wanted) {
    const tone = TONES[wanted.priority]
    const at = this.#context.currentTime + LEAD
    const silence = burst(this.#context, tone, at, { isLouder: wanted.isLouder })
    const pause = wanted.isLouder ? tone.louder : tone.again
    this.#playing = { wanted, silence, again: pause === null ? null : at + tone.length + pause }
    this.bursts = [...this.bursts.slice(-99), { priority: wanted.priority, at: Date.now() }]
  }

  async #lookForOutput() {
    // Only browsers that let a page choose its loudspeaker tell whether there is one before somebody allows anything.
    if (!("setSinkId" in AudioContext.prototype)) return
    try {
      const devices = await navigator.mediaDevices.enumerateDevices()
      this.#hasOutput = devices.some((device) => device.kind === "audiooutput")
    } catch {
      // Where it cannot be asked it is not known that there is none.
      this.#hasOutput = true
    }
    this.#judge()
  }

  #judge() {
    const now = performance.now()
    const at = this.#context?.currentTime ?? -1
    if (at !== this.#moved.at) this.#moved = { at, seen: now }
    const audible = this.#judged(now)
    if (audible === this.#audible) return
    this.#audible = audible
    this.dispatchEvent(new Event("audible"))
  }

  #judged(now) {
    if (this.#context === null || !this.#hasOutput) return "noOutput"
    if (this.#context.state !== "running") return "untouched"
    return now - this.#moved.seen > STILL ? "standing" : "sounds"
  }
}

const isOther = (one, other) => one.priority !== other.priority || one.isLouder !== other.isLouder

/** The more urgent of two wants; `null` where there is none. */
export function louder(one, other) {
  if (one === null || other === null) return one ?? other
  const [left, right] = [RANKS.indexOf(one.priority), RANKS.indexOf(other.priority)]
  if (left !== right) return left < right ? one : other
  return one.isLouder ? one : other
}
