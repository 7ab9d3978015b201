// The way from the console to the store. The worker listens and draws; the page takes in what is not a curve.
//
// The worker holds the EventSource, so that a busy page delays neither a curve nor the word that the server is lost.

import { store } from "./store.js"

// The worker says something at least each beat (500 ms) or each look at its watch (100 ms): more is a dead worker.
const WORKER_SILENCE = 1900
const CHECK_EVERY = 100
// Curves of a page in sight are drawn each frame: so long without one, they stand. Unit: ms.
const FRAMES_SILENCE = 2000

let worker = undefined
let heard = 0
let opened = undefined
const ranges = new Map()
let nextCanvas = 1
let framesAsked = []
let seen = performance.now()

/** Asks for the live picture with the waves of "all" beds, of one bed, or "none". The same again changes nothing. */
export function listen(waves) {
  start()
  if (waves === opened) return
  opened = waves
  worker.postMessage({ do: "listen", url: new URL(`live?waves=${encodeURIComponent(waves)}`, import.meta.url).href })
}

function start() {
  if (worker) return
  worker = new Worker(new URL("draw.worker.js", import.meta.url), { type: "module" })
  worker.addEventListener("message", ({ data }) => take(data))
  worker.addEventListener("error", () => store.takeLink("lost"))
  heard = performance.now()
  // Out of sight nothing is drawn: what stands is known only after a while in sight.
  document.addEventListener("visibilitychange", () => { seen = performance.now() })
  setInterval(() => { if (performance.now() - heard > WORKER_SILENCE) store.takeLink("lost") }, CHECK_EVERY)
}

function take(told) {
  heard = performance.now()
  const here = told.at - performance.timeOrigin
  switch (told.event) {
    case "picture": store.takePicture(told.told, here); break
    case "beat": store.takeBeat(told.told, here); break
    case "link": store.takeLink(told.state); break
    case "watch": watch(told, here); break
    case "range": ranges.get(told.id)?.(told.n, told.low, told.high); break
    case "frames": for (const answer of framesAsked.splice(0)) answer(told.frames); break
  }
}

/** The worker lives: its word of the link holds, whatever the page took it for, and it says when it drew last. */
function watch({ state, drawn }, here) {
  if (state) store.takeLink(state)
  const last = Math.max(seen, drawn === undefined ? -Infinity : drawn - performance.timeOrigin)
  store.takeCurves(drawn === undefined || document.hidden || here - last <= FRAMES_SILENCE ? "moving" : "standing")
}

/**
 * Gives a canvas to the worker, which sweeps curves over it until `drop()`.
 *
 * @param canvas a new canvas element  @param bed whose  @param onRange called with (n, low, high) when a scale changes
 * @returns {layout(form), drop()}: form is {width, height (CSS px), ratio, background, grid,
 *   rows: [{n, top, height (CSS px), colour, gain (1 is automatic's own)}]}
 */
export function sweep(canvas, bed, onRange = () => {}) {
  start()
  const id = nextCanvas++
  const surface = canvas.transferControlToOffscreen()
  ranges.set(id, onRange)
  worker.postMessage({ do: "canvas", id, bed, surface }, [surface])
  return {
    layout: (form) => worker.postMessage({ do: "layout", id, form }),
    drop: () => { ranges.delete(id); worker.postMessage({ do: "drop", id }) },
  }
}

/** For benches: the worker's times between frames since the last call. Unit: ms. */
export function frames() {
  return new Promise((answer) => {
    framesAsked.push(answer)
    worker.postMessage({ do: "frames" })
  })
}
