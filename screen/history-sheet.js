// What the low pictures of a bed share: a canvas that follows its element, and a stream's words.

import { made } from "./dom.js"
import { cleaned, inLanguage } from "./words.js"

/** A canvas that follows its element's width; `draw(context, size)` paints it. */
export class Sheet {
  constructor(className, height, sizes, draw) {
    this.element = made("div", { class: className })
    this.canvas = made("canvas", { "aria-hidden": "true" })
    this.element.append(this.canvas)
    this.context = this.canvas.getContext("2d", { alpha: false })
    Object.assign(this, { height, sizes, draw, frame: 0 })
    this.watch = new ResizeObserver(() => this.redraw())
    this.watch.observe(this.element)
  }

  redraw() {
    if (this.frame) return
    this.frame = requestAnimationFrame(() => {
      this.frame = 0
      const scale = Math.max(1, Math.min(3, window.devicePixelRatio || 1))
      const width = Math.max(120, Math.round(this.element.getBoundingClientRect().width))
      const [across, down] = [Math.round(width * scale), Math.round(this.height * scale)]
      if (this.canvas.width !== across || this.canvas.height !== down) {
        Object.assign(this.canvas, { width: across, height: down })
      }
      this.draw(this.context, { width, height: this.height, scale, parts: this.sizes })
    })
  }

  end() {
    this.watch.disconnect()
    cancelAnimationFrame(this.frame)
  }
}

/** A stream's words. */
export function labelOf(stream) { return cleaned(inLanguage(stream.label ?? stream.metric, stream.labelArabic)) }
