// The picture as a PNG file and the samples as a CSV file, kept by the browser's own download.

import { Plot } from "./history-plot.js"

/** The largest picture's sides. Unit: device pixels; browsers refuse much larger canvases. */
const mostPixels = 8192

/** Gives a file to the browser to keep. */
export function keep(blob, name) {
  const link = document.createElement("a")
  const address = URL.createObjectURL(blob)
  Object.assign(link, { href: address, download: name, hidden: true })
  document.body.append(link)
  link.click()
  link.remove()
  // The browser reads the file after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(address), 60000)
}

/** `history-2026-11-30-140500.png`: from a moment's text, without what file systems refuse. */
export function fileName(moment, ending) {
  return `history-${moment.replace(/[^0-9 ]/g, (sign) => (sign === "-" ? "-" : "")).replace(" ", "-")}.${ending}`
}

/**
 * A picture with its title, its times and its mark, as PNG.
 *
 * view: as a Plot has it. lines: what stands above it, the title first. size: of the plot, in CSS pixels.
 */
export async function picture(view, lines, size) {
  const scale = Math.min(2, mostPixels / Math.max(size.width, size.height + 120))
  const head = Math.round((18 + lines.length * 20) * scale)
  const body = document.createElement("canvas")
  Object.assign(body, { width: Math.round(size.width * scale), height: Math.round(size.height * scale) })
  new Plot(body.getContext("2d", { alpha: false }), { ...size, scale }, { ...view, cursor: null }).draw()
  const whole = document.createElement("canvas")
  Object.assign(whole, { width: body.width, height: body.height + head })
  const context = whole.getContext("2d", { alpha: false })
  context.fillStyle = view.colours.background
  context.fillRect(0, 0, whole.width, whole.height)
  context.direction = view.isRight ? "rtl" : "ltr"
  context.textAlign = "start"
  context.textBaseline = "middle"
  const x = view.isRight ? whole.width - 12 * scale : 12 * scale
  lines.forEach((line, index) => {
    context.fillStyle = index === 0 ? view.colours.text : view.colours.quiet
    context.font = `${index === 0 ? "700" : ""} ${Math.round((index === 0 ? 16 : 13) * scale)}px ${view.colours.font}`
    context.fillText(line, x, (16 + index * 20) * scale)
  })
  context.drawImage(body, 0, head)
  return new Promise((done, failed) => {
    whole.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture"))), "image/png")
  })
}
