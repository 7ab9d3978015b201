// How a metric is told on the screen: its short word, its colour, and which numbers stand beside which curve.

/** Blocks of numbers in the order in which they are shown. `parts` are MDC names; the first ones are the large ones. */
const BLOCKS = [
  { key: "heart", colour: "heart", word: "metric-heart", metrics: ["MDC_ECG_HEART_RATE"] },
  {
    key: "saturation", colour: "oxygen", word: "metric-saturation", metrics: ["MDC_PULS_OXIM_SAT_O2"],
    second: { word: "metric-pulse", metric: "MDC_PULS_OXIM_PULS_RATE" },
  },
  { key: "pulse", colour: "oxygen", word: "metric-pulse", metrics: ["MDC_PULS_OXIM_PULS_RATE"], without: "saturation" },
  {
    key: "art", colour: "pressure", word: "metric-art",
    metrics: ["MDC_PRESS_BLD_ART_SYS", "MDC_PRESS_BLD_ART_DIA"], mean: "MDC_PRESS_BLD_ART_MEAN",
  },
  {
    key: "abp", colour: "pressure", word: "metric-art",
    metrics: ["MDC_PRESS_BLD_ART_ABP_SYS", "MDC_PRESS_BLD_ART_ABP_DIA"], mean: "MDC_PRESS_BLD_ART_ABP_MEAN",
  },
  {
    key: "co2", colour: "breath", word: "metric-co2End", metrics: ["MDC_AWAY_CO2_ET"],
    second: { word: "metric-breath", metric: "MDC_CO2_RESP_RATE" },
  },
  {
    key: "co2conc", colour: "breath", word: "metric-co2End", metrics: ["MDC_CONC_AWAY_CO2_ET"],
    second: { word: "metric-breath", metric: "MDC_CO2_RESP_RATE" },
  },
  { key: "breath", colour: "breath", word: "metric-breath", metrics: ["MDC_RESP_RATE"] },
  { key: "breath2", colour: "breath", word: "metric-breath", metrics: ["MDC_TTHOR_RESP_RATE"] },
  { key: "breath3", colour: "breath", word: "metric-breath", metrics: ["MDC_CO2_RESP_RATE"], without: "co2" },
  {
    key: "cuff", colour: "cuff", word: "metric-cuff",
    metrics: ["MDC_PRESS_BLD_NONINV_SYS", "MDC_PRESS_BLD_NONINV_DIA"], mean: "MDC_PRESS_BLD_NONINV_MEAN",
  },
  { key: "temperature", colour: "temperature", word: "metric-temperature", metrics: ["MDC_TEMP"] },
]

/** Curves, by the start of their name: colour, short word, and the block that stands beside them. */
const WAVES = [
  { prefix: "MDC_ECG_", colour: "heart", blocks: ["heart"] },
  { prefix: "MDC_PULS_OXIM_PLETH", colour: "oxygen", word: "metric-pleth", blocks: ["saturation", "pulse"] },
  { prefix: "MDC_PRESS_BLD_ART", colour: "pressure", word: "metric-art", blocks: ["art", "abp"] },
  { prefix: "MDC_AWAY_CO2", colour: "breath", word: "metric-co2", blocks: ["co2", "breath3"] },
  { prefix: "MDC_CONC_AWAY_CO2", colour: "breath", word: "metric-co2", blocks: ["co2conc", "breath3"] },
  { prefix: "MDC_RESP", colour: "breath", word: "metric-resp", blocks: ["breath", "breath2"] },
  { prefix: "MDC_TTHOR", colour: "breath", word: "metric-resp", blocks: ["breath2", "breath"] },
  { prefix: "MDC_PRESS", colour: "pressure", blocks: [] },
]
const OTHER_WAVE = { prefix: "", colour: "other", blocks: [] }

const WORDS = new Map([
  ["MDC_FLOW_FLUID_PUMP", "metric-rate"], ["MDC_VOL_FLUID_DELIV_TOTAL", "metric-volume"],
  ["MDC_VOL_FLUID_TBI", "metric-toGive"], ["MDC_TIME_PD_REMAIN", "metric-timeLeft"],
  ["MDC_DRUG_NAME_LABEL", "metric-drug"],
  ...BLOCKS.flatMap((block) => [
    [block.metrics[0], block.word], ...(block.second ? [[block.second.metric, block.second.word]] : []),
  ]),
])

/** The key of the short words for a metric (see words.js), or undefined: then its stream's label tells. */
export function metricWord(metric) { return WORDS.get(metric) }

const UNITS = {
  "mm[Hg]": "mmHg", Cel: "°C", deg: "°", "[degF]": "°F", "cm[H2O]": "cmH₂O", "{beats}/min": "/min", 1: "",
}

/** A unit as people write it. */
export function unitText(unit) { return Object.hasOwn(UNITS, unit ?? "") ? UNITS[unit] : unit ?? "" }

const kind = (wave) => WAVES.find((one) => String(wave.metric).startsWith(one.prefix)) ?? OTHER_WAVE

/**
 * What a bed shows: its curves with the blocks beside them, and the blocks that stand by themselves.
 *
 * @param streams of one bed, without its pumps'
 * @returns {waves: [{stream, colour, word, blocks}], blocks: [{key, colour, word, parts, mean, second, unit}]}:
 *   parts, mean and second are streams
 */
export function arrange(streams) {
  const numbers = streams.filter((one) => one.kind === "number")
  const first = (metric) => numbers.find((one) => one.metric === metric)
  const made = []
  const used = new Set()
  for (const form of BLOCKS) {
    const parts = form.metrics.map(first).filter((one) => one && !used.has(one.n))
    if (parts.length === 0) continue
    const block = { ...form, parts, mean: form.mean && first(form.mean), unit: parts[0].unit }
    block.second = form.second && first(form.second.metric) && { ...form.second, stream: first(form.second.metric) }
    for (const one of [...parts, block.mean, block.second?.stream]) if (one) used.add(one.n)
    made.push(block)
  }
  for (const one of numbers) {
    if (used.has(one.n)) continue
    made.push({ key: `stream-${one.n}`, colour: "other", parts: [one], unit: one.unit })
  }
  const waves = streams.filter((one) => one.kind === "wave").map((stream) => ({ stream, ...kind(stream) }))
  waves.sort((a, b) => rank(a) - rank(b))
  const taken = new Set()
  for (const wave of waves) {
    wave.blocks = made.filter((one) => wave.blocks.includes(one.key) && !taken.has(one.key))
    for (const one of wave.blocks) taken.add(one.key)
  }
  return { waves, blocks: made.filter((one) => !taken.has(one.key)) }
}

function rank(wave) {
  const place = WAVES.findIndex((one) => one.prefix === wave.prefix)
  return place < 0 ? WAVES.length : place
}
