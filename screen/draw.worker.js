// The worker: listens to the console, keeps the curves, and sweeps them over the canvases that the page lent it.

import { ServerClock } from "./clock.js"
import { Delay } from "./delay.js"
import { Curves, Sweep } from "./sweep.js"

const SILENCE = 1500 // ms without a byte: the server is lost. It says something at least each 500 ms.
const [REOPEN_AFTER, GIVE_UP_AFTER] = [500, 4000] // ms, after an error and after a silence
const CHECK_EVERY = 100
const KEPT = 25000 // ms of curves: wider than any screen at 25 mm/s
const AGAIN_AFTER = 500 // ms until curves that could not be drawn are tried again
const JITTER = 80 // ms that a commit may take to come here and be drawn, beside its own time

const clock = new ServerClock()
const curves = new Curves()
const sweeps = new Map()
let session = undefined
let least = 250 + JITTER
const delays = new Map()
let recording = true
let source = undefined
let address = undefined
let [heard, opened, reopen] = [-Infinity, -Infinity, undefined]
let said = undefined
let [lastFrame, frames] = [undefined, []]
let lastDrawn = undefined

const tell = (event, more = {}) => postMessage({ event, at: performance.timeOrigin + performance.now(), ...more })

function link(state) {
  if (state !== said) tell("link", { state })
  said = state
}

function parsed(text) {
  try { return JSON.parse(text) } catch { return undefined }
}

function open() {
  clearTimeout(reopen)
  source?.close()
  opened = performance.now()
  const made = source = new EventSource(address)
  const on = (name, take) => made.addEventListener(name, ({ data }) => {
    if (made !== source) return
    const told = parsed(data)
    if (told !== null && typeof told === "object") take(told)
  })
  on("picture", picture)
  on("beat", beat)
  on("waves", waves)
  // The console is there, but has no journal to read: nothing that is shown is of now.
  on("failure", () => {
    heard = performance.now()
    link("standing")
  })
  made.addEventListener("error", () => {
    if (made !== source) return
    made.close()
    link("lost")
    reopen = setTimeout(open, REOPEN_AFTER)
  })
}

function alive(told) {
  heard = performance.now()
  if (!Number.isFinite(told.mono)) return
  clock.take(told.mono, told.utc, heard)
  if (typeof told.recording === "boolean") recording = told.recording
  link(recording ? "live" : "standing")
}

function picture(told) {
  if (told.form !== 1) return unreadable()
  if (told.session !== session) {
    session = told.session
    clock.reset()
    curves.clear()
    delays.clear()
    for (const one of sweeps.values()) one.sweep.again()
  }
  if (told.commitEvery > 0 && told.commitEvery <= 5000) least = told.commitEvery + JITTER
  // The picture goes first: what is said to be live must be there to be seen.
  tell("picture", { told })
  alive(told)
}

/** The console speaks another form than this screen: nothing that is shown is of now, nor is any beat of it. */
function unreadable() {
  heard = performance.now()
  session = undefined
  curves.clear()
  for (const one of sweeps.values()) one.sweep.again()
  link("standing")
}

function beat(told) {
  // It is heard, and no more: without a picture there is nothing to merge it with.
  if (!session) return void (heard = performance.now())
  tell("beat", { told })
  alive(told)
}

function delayOf(bed) {
  if (!delays.has(bed)) delays.set(bed, new Delay())
  return delays.get(bed)
}

function waves({ bed, waves: entries }) {
  heard = performance.now()
  if (!session || !Array.isArray(entries)) return
  for (const entry of entries) {
    const goesOn = curves.get(entry?.[0])?.pieces.at(-1)?.next === entry?.[1]
    const taken = curves.take(entry)
    if (!taken) continue
    if (goesOn && clock.offset !== undefined) {
      delayOf(bed).take(entry[0], clock.now(heard).mono - entry[2], heard)
    }
    for (const one of sweeps.values()) if (one.bed === bed) one.sweep.spoil(...taken)
  }
}

setInterval(() => {
  if (!address) return
  const now = performance.now()
  if (now - heard > SILENCE) link("lost")
  if (said === "lost" && now - Math.max(heard, opened) > GIVE_UP_AFTER) open()
  if (clock.offset !== undefined) curves.forget(clock.now(now).mono - KEPT)
  // The page knows by this that the worker lives, how the link is whatever it took it for, and whether curves move.
  tell("watch", { state: said, drawn: lastDrawn })
}, CHECK_EVERY)

/** Draws the curves of a canvas; where that fails it is blank, and the others go on. Returns whether it was drawn. */
function drawn(one, now, here) {
  if (here < one.after) return false
  try {
    one.sweep.draw(now)
    return true
  } catch {
    one.after = here + AGAIN_AFTER
    one.sweep.again()
  }
  try {
    one.sweep.blank()
  } catch {
    // A surface that takes nothing at all: the page says that curves stand.
  }
  return false
}

function frame(at) {
  // First of all: nothing that goes wrong in a frame may be the end of all frames.
  requestAnimationFrame(frame)
  if (lastFrame !== undefined && frames.length < 20000) frames.push(at - lastFrame)
  lastFrame = at
  if (clock.offset !== undefined) {
    const here = performance.now()
    const now = clock.now(here).mono
    const all = [...sweeps.values()].map((one) => drawn(one, now - delayOf(one.bed).now(here, least), here))
    if (all.every(Boolean)) lastDrawn = performance.timeOrigin + here
  }
}
requestAnimationFrame(frame)

addEventListener("message", ({ data }) => {
  switch (data.do) {
    case "listen":
      address = data.url
      open()
      break
    case "canvas": {
      const onRange = (n, low, high) => tell("range", { id: data.id, n, low, high })
      sweeps.set(data.id, { bed: data.bed, after: 0, sweep: new Sweep(data.surface, curves, onRange) })
      break
    }
    case "layout": sweeps.get(data.id)?.sweep.layout(data.form); break
    case "drop": sweeps.delete(data.id); break
    case "frames":
      tell("frames", { frames })
      frames = []
      break
  }
})
