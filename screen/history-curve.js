// Draws one curve of the past into a Plot: a band from the least to the greatest value of each column. The pen is
// lifted where something is missing and where the patient is another one; what is not of whoever is at the bed now is
// grey.

/** Whether something is missing of a stream within a time. */
export function isMissing(gaps, from, to) {
  let [first, last] = [0, gaps.length]
  // By halves: the first gap that ends behind the beginning. Gaps are in their order and do not lie in one another.
  while (first < last) {
    const middle = (first + last) >> 1
    if (gaps[middle].to > from) last = middle
    else first = middle + 1
  }
  return first < gaps.length && gaps[first].from < to
}

/** Bands and the lines along their edges. */
export function drawCurve(plot, row, n, range, at, bandColour, lineColour) {
  const { context, place, view } = plot
  const data = row.data
  const stream = data?.streams.get(n)
  if (!stream) return
  const width = (data.to - data.from) / data.columns
  const first = Math.max(0, Math.floor((view.from - data.from) / width) - 1)
  const last = Math.min(data.columns, Math.ceil((view.to - data.from) / width) + 1)
  const thin = Math.max(1, Math.round(1.5 * place.scale))
  const [own, former] = [new Path2D(), new Path2D()]
  let before = -1
  for (let index = first; index < last; index += 1) {
    const [low, high] = [stream.low[index], stream.high[index]]
    if (Number.isNaN(low) || Number.isNaN(high)) continue
    const isOwn = stream.whose[index] === row.present
    const lines = isOwn ? own : former
    context.fillStyle = isOwn ? bandColour : view.colours.former
    const begin = data.from + index * width
    const [x0, x1] = [Math.round(plot.x(begin)), Math.round(plot.x(begin + width))]
    const [y0, y1] = [plot.y(high, range, at), plot.y(low, range, at)]
    context.fillRect(x0, Math.round(y0 - thin / 2), Math.max(1, x1 - x0), Math.max(thin, Math.round(y1 - y0)))
    const middle = plot.x(begin + width / 2)
    const isJoined = before >= 0 && stream.whose[before] === stream.whose[index]
      && !isMissing(stream.gaps, data.from + before * width, begin + width)
    if (isJoined) {
      const was = plot.x(data.from + (before + 0.5) * width)
      lines.moveTo(was, plot.y(stream.high[before], range, at))
      lines.lineTo(middle, y0)
      if (low !== high || stream.low[before] !== stream.high[before]) {
        lines.moveTo(was, plot.y(stream.low[before], range, at))
        lines.lineTo(middle, y1)
      }
    } else {
      // A value beside nothing is seen too.
      context.fillRect(Math.round(middle - place.scale), Math.round(y0 - place.scale), place.px(2), place.px(2))
    }
    before = index
  }
  context.lineWidth = thin
  for (const [lines, colour] of [[former, view.colours.former], [own, lineColour]]) {
    context.strokeStyle = colour
    context.stroke(lines)
  }
}

/** A dashed line from top to bottom where another patient's values begin, or those of nobody. */
export function drawChanges(plot, row, at) {
  const { context, place, view } = plot
  const data = row.data
  const stream = data?.streams.get(row.n)
  if (!stream) return
  const width = (data.to - data.from) / data.columns
  context.fillStyle = view.colours.binding
  let [before, end] = [-1, -Infinity]
  for (let index = 0; index < data.columns; index += 1) {
    if (stream.whose[index] === undefined) continue
    const isChange = before >= 0 && stream.whose[before] !== stream.whose[index]
    before = index
    const x = Math.round(plot.x(data.from + index * width))
    // At a coarse scale many lie on one pixel: it is painted once.
    if (!isChange || x <= end || x < place.left || x > place.right) continue
    for (let y = at.begin; y < at.end; y += place.px(6)) context.fillRect(x, y, place.px(1), place.px(3))
    end = x + place.px(1)
  }
}
