// The mark of test and training data: words again and again, slanted, across everything, and thin: one reads through.

const [STEP_X, STEP_Y, SLANT] = [420, 190, -0.42]
let shown = undefined
let picture = undefined

/** Shows `words` across the page in `element`, or nothing. */
export function showMark(element, words) {
  if (words === shown) return
  shown = words
  element.hidden = !words
  if (!words) return
  const canvas = document.createElement("canvas")
  Object.assign(canvas, { width: STEP_X * 2, height: STEP_Y * 2 })
  const context = canvas.getContext("2d")
  context.font = "700 34px 'Noto Sans', 'Noto Sans Arabic', sans-serif"
  context.fillStyle = "#ffffff"
  context.textAlign = "center"
  for (const [x, y] of [[STEP_X / 2, STEP_Y / 2], [STEP_X * 1.5, STEP_Y * 1.5]]) {
    context.save()
    context.translate(x, y)
    context.rotate(SLANT)
    context.fillText(words, 0, 0)
    context.restore()
  }
  canvas.toBlob((blob) => {
    if (shown !== words) return
    if (picture) URL.revokeObjectURL(picture)
    picture = URL.createObjectURL(blob)
    element.style.setProperty("--mark", `url("${picture}")`)
  })
}
