// The way from the console to the store. The worker listens and draws; the page takes in what is not a curve.
//
// The worker holds the EventSource, so that a busy page delays neither a curve nor the word that the server is lost.

import { store } from "./store.js"

// The worker says something at least each beat (500 ms) or each look at its watch (100 ms): more is a dead worker.
const WORKER_SILENCE = 1900
const CHECK_EVERY = 100

let worker = undefined
let heard = 0
let opened = undefined
const ranges = new Map()
let nextCanvas = 1
let framesAsked = []

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
  setInterval(() => { if (performance.now() - heard > WORKER_SILENCE) store.takeLink("lost") }, CHECK_EVERY)
}

function take(told) {
  heard = performance.now()
  const here = told.at - performance.timeOrigin
  switch (told.event) {
    case "picture": store.takePicture(told.told, here); break
    case "beat": store.takeBeat(told.told, here); break
    case "link": store.takeLink(told.state); break
    case "range": ranges.get(told.id)?.(told.n, told.low, told.high); break
    case "frames": for (const answer of framesAsked.splice(0)) answer(told.frames); break
  }
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
