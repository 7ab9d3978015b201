// The curves of a bed: a canvas that the worker sweeps over, with a row for each curve, and their words above it.

import { labelOf } from "./blocks.js"
import { made, setText } from "./dom.js"
import { sweep } from "./live.js"
import { cleaned, t } from "./words.js"

const GAINS = [0.25, 0.5, 1, 2, 4, 8]
// What a nurse chose for a curve holds until the page is loaded anew, on every screen.
const gains = new Map()
const SCALE_DIGITS = 3

const gainKey = ({ stream }) => `${stream.device}/${stream.vmd ?? ""}/${stream.metric}`

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() }

/** Mounts curves into `box`, as `arrange()` gives them. `withKeys`: each row has keys for its gain, and its scale. */
export class Waves {
  #rows
  #ranges = new Map()

  constructor(box, bed, waves, withKeys = false) {
    this.box = box
    this.waves = waves
    this.withKeys = withKeys
    this.canvas = made("canvas", { class: "curves", "aria-hidden": "true" })
    box.dir = "ltr"
    box.classList.toggle("with-keys", withKeys)
    box.style.setProperty("--rows", Math.max(1, waves.length))
    this.#rows = waves.map((wave) => this.#row(wave))
    box.append(this.canvas, ...this.#rows.map((row) => row.element))
    this.sweep = sweep(this.canvas, bed, (n, low, high) => this.#range(n, low, high))
    this.watch = new ResizeObserver(() => this.layout())
    this.watch.observe(this.canvas)
    this.ratio = matchMedia(`(resolution: ${devicePixelRatio}dppx)`)
    this.ratio.addEventListener("change", this.relayout)
    this.name()
  }

  relayout = () => this.layout()

  #row(wave) {
    const label = made("span", { class: "wave-label" })
    const head = made("span", { class: "wave-head" }, label)
    const element = made("div", { class: `wave-row colour-${wave.colour}` }, head)
    const row = { wave, element, label }
    if (this.withKeys) {
      row.scale = made("span", { class: "wave-scale" })
      row.less = made("button", { type: "button", class: "key gain", click: () => this.#gain(wave, -1) }, "−")
      row.more = made("button", { type: "button", class: "key gain", click: () => this.#gain(wave, 1) }, "+")
      row.gain = made("span", { class: "wave-gain" })
      head.append(row.scale)
      element.append(made("span", { class: "gains" }, row.less, row.gain, row.more))
    }
    return row
  }

  #gain(wave, change) {
    const place = GAINS.indexOf(gains.get(gainKey(wave)) ?? 1) + change
    gains.set(gainKey(wave), GAINS[Math.max(0, Math.min(GAINS.length - 1, place))])
    this.name()
    this.layout()
  }

  #range(n, low, high) {
    this.#ranges.set(n, [low, high])
    for (const row of this.#rows) if (row.wave.stream.n === n && row.scale) setText(row.scale, this.#scaleText(n))
  }

  #scaleText(n) {
    const digits = (value) => String(Number(value.toPrecision(SCALE_DIGITS)))
    const range = this.#ranges.get(n)
    return range ? `${digits(range[0])} … ${digits(range[1])}` : ""
  }

  /** Writes the words again, in the language that is chosen now. */
  name() {
    for (const row of this.#rows) {
      const { stream, word } = row.wave
      const own = labelOf({ stream })
      const label = word && own !== t(word) ? t(word) : own
      setText(row.label, row.wave.again ? `${label} ${cleaned(stream.device)}` : label)
      if (!row.gain) continue
      const gain = gains.get(gainKey(row.wave)) ?? 1
      setText(row.gain, gain === 1 ? t("gainAuto") : `×${gain}`)
      for (const [key, text] of [[row.less, "gainLess"], [row.more, "gainMore"]]) {
        key.setAttribute("aria-label", t(text, { label }))
      }
      row.less.disabled = gain === GAINS[0]
      row.more.disabled = gain === GAINS.at(-1)
    }
  }

  layout() {
    const { clientWidth: width, clientHeight: height } = this.canvas
    if (!width || !height) return
    const each = height / Math.max(1, this.waves.length)
    this.sweep.layout({
      width, height, ratio: devicePixelRatio, background: colour("ground"), grid: colour("grid"),
      rows: this.waves.map((wave, place) => ({
        n: wave.stream.n, top: place * each, height: each, colour: colour(wave.colour),
        gain: gains.get(gainKey(wave)) ?? 1,
      })),
    })
  }

  drop() {
    this.watch.disconnect()
    this.ratio.removeEventListener("change", this.relayout)
    this.sweep.drop()
  }
}
