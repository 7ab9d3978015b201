// How a metric is told on the screen: its short word, its colour, and which numbers stand beside which curve.

/** Blocks of numbers in the order in which they are shown. `parts` are MDC names; the first ones are the large ones. */
const BLOCKS = [
  { key: "heart", colour: "heart", word: "metric-heart", metrics: ["MDC_ECG_HEART_RATE"] },
  {
    key: "saturation", colour: "oxygen", word: "metric-saturation", metrics: ["MDC_PULS_OXIM_SAT_O2"],
    second: { word: "metric-pulse", metric: "MDC_PULS_OXIM_PULS_RATE" },
  },
  { key: "pulse", colour: "oxygen", word: "metric-pulse", metrics: ["MDC_PULS_OXIM_PULS_RATE"] },
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
    key: "co2conc", colour: "breath", word: "metric-co2End", isOther: true, metrics: ["MDC_CONC_AWAY_CO2_ET"],
    second: { word: "metric-breath", metric: "MDC_CO2_RESP_RATE" },
  },
  { key: "breath", colour: "breath", word: "metric-breath", metrics: ["MDC_RESP_RATE"] },
  { key: "breath2", colour: "breath", word: "metric-breath", metrics: ["MDC_TTHOR_RESP_RATE"] },
  { key: "breath3", colour: "breath", word: "metric-breath", metrics: ["MDC_CO2_RESP_RATE"] },
  {
    key: "cuff", colour: "cuff", word: "metric-cuff",
    metrics: ["MDC_PRESS_BLD_NONINV_SYS", "MDC_PRESS_BLD_NONINV_DIA"], mean: "MDC_PRESS_BLD_NONINV_MEAN",
  },
  { key: "temperature", colour: "temperature", word: "metric-temperature", metrics: ["MDC_TEMP"] },
  ...[1, 2].map((channel) => ({
    key: `channel-${channel}`, colour: "pressure", word: `metric-channel${channel}`, isOther: true,
    metrics: [`NABD_INVASIVE_PRESSURE_${channel}_SYS`, `NABD_INVASIVE_PRESSURE_${channel}_DIA`],
    mean: `NABD_INVASIVE_PRESSURE_${channel}_MEAN`,
  })),
  {
    key: "temperature2", colour: "temperature", word: "metric-temperature2", isOther: true, metrics: ["NABD_TEMP_2"],
  },
  { key: "co2In", colour: "breath", word: "metric-co2In", isOther: true, metrics: ["MDC_AWAY_CO2_INSP"] },
]

/** Curves, by the start of their name: colour, short word, and the block that stands beside them. */
const WAVES = [
  { prefix: "MDC_ECG_", colour: "heart", blocks: ["heart"] },
  { prefix: "MDC_PULS_OXIM_PLETH", colour: "oxygen", word: "metric-pleth", blocks: ["saturation", "pulse"] },
  { prefix: "MDC_PRESS_BLD_ART", colour: "pressure", word: "metric-art", blocks: ["art", "abp"] },
  { prefix: "MDC_AWAY_CO2", colour: "breath", word: "metric-co2", blocks: ["co2", "breath3"] },
  { prefix: "MDC_CONC_AWAY_CO2", colour: "breath", word: "metric-co2", blocks: ["co2conc", "breath3"] },
  { prefix: "MDC_RESP", colour: "breath", word: "metric-resp", blocks: ["breath", "breath2"] },
  { prefix: "NABD_RESPIRATION_WAVE", colour: "breath", word: "metric-resp", blocks: ["breath", "breath2"] },
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
 * What a bed shows: its curves with the blocks beside them, and the blocks that stand by themselves. A block is of one
 * device (and part of it); where several tell the same, the one with the curve is first, and the others are `again`.
 *
 * @param streams of one bed, without its pumps'
 * @returns {waves: [{stream, colour, word, blocks, again}],
 *   blocks: [{key, form, colour, word, parts, mean, second, unit, again}]}: parts, mean and second are streams
 */
export function arrange(streams) {
  const waves = streams.filter((one) => one.kind === "wave").map((stream) => ({ stream, ...kind(stream) }))
  const told = new Set()
  for (const wave of waves) {
    wave.again = told.has(wave.stream.metric)
    told.add(wave.stream.metric)
  }
  waves.sort((a, b) => a.again - b.again || rank(a) - rank(b))
  const made = blocksOf(streams.filter((one) => one.kind === "number"), waves)
  const taken = new Set()
  const beside = (wave, suits) => made.filter((one) => wave.forms.includes(one.form) && !taken.has(one) && suits(one))
  const take = (wave, blocks) => {
    wave.blocks = blocks
    for (const one of blocks) taken.add(one)
  }
  for (const wave of waves) {
    wave.forms = wave.blocks
    take(wave, beside(wave, (one) => isOf(one.parts[0], wave.stream)))
  }
  for (const wave of waves) if (wave.blocks.length === 0) take(wave, beside(wave, (one) => !one.again))
  return { waves, blocks: made.filter((one) => !taken.has(one)) }
}

const isOf = (a, b) => a.device === b.device

/** All numbers in blocks: those of a known form in its order, then each by itself. */
function blocksOf(numbers, waves) {
  const free = new Set(numbers)
  const made = []
  for (const form of BLOCKS) {
    const hasCurve = (one) => waves.some((wave) => wave.blocks.includes(form.key) && isOf(one, wave.stream))
    const leads = numbers.filter((one) => form.metrics.includes(one.metric))
    leads.sort((a, b) => hasCurve(b) - hasCurve(a))
    let again = false
    for (const lead of leads) {
      if (!free.has(lead)) continue
      const mate = (metric) => numbers.find((one) => free.has(one) && one.metric === metric && isOf(one, lead)
        && (one.vmd ?? null) === (lead.vmd ?? null))
      const parts = form.metrics.map(mate).filter(Boolean)
      const mean = form.mean && mate(form.mean)
      const second = form.second && mate(form.second.metric)
      for (const one of [...parts, mean, second]) free.delete(one)
      made.push({
        ...form, key: `${form.key}-${lead.n}`, form: form.key, parts, mean, unit: parts[0].unit, again,
        second: second && { ...form.second, stream: second },
      })
      again = true
    }
  }
  const told = new Set()
  for (const one of free) {
    const again = told.has(one.metric)
    told.add(one.metric)
    made.push({ key: `stream-${one.n}`, colour: "other", parts: [one], unit: one.unit, again })
  }
  return made
}

/** How soon a block is left out where there is little room: what is told already, or has no short word, goes first. */
export const spare = (block) => (block.again ? 2 : block.isOther || !block.word ? 1 : 0)

function rank(wave) {
  const place = WAVES.findIndex((one) => one.prefix === wave.prefix)
  return place < 0 ? WAVES.length : place
}
