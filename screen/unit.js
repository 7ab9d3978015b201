// All beds at once: a tile each, and the unit's own strip at the foot.

import { signal, waits } from "./alarm-rules.js"
import { Block } from "./blocks.js"
import { AlarmChip } from "./chip.js"
import { made, setState, setText } from "./dom.js"
import { PumpLine, alarmsOf, nameOf, patientText, pumpsOf, scoreText } from "./lines.js"
import { arrange, spare } from "./metrics.js"
import { part } from "./part.js"
import { store } from "./store.js"
import { Strip } from "./strip.js"
import { Waves } from "./waves.js"
import { cleaned, inLanguage, plain, t } from "./words.js"

const REFRESH = 200 // ms: how late an age or a dash may come
const MOST_WAVES = 4
const MOST_PUMPS = 2
const MOST_BLOCKS = 4
const TILE_WIDTH = 390 // CSS px: a narrower tile is not readable from a step away
const COLUMNS = [1, 1, 2, 2, 2, 3, 3, 4, 4]

/** A bed's tile. */
class Tile {
  #blocks = []
  #pumps = []

  constructor(bed, names) {
    this.id = bed.bed
    this.names = names
    this.title = made("a", { class: "tile-title", href: `#/bed/${encodeURIComponent(bed.bed)}` })
    this.patient = made("span", { class: "tile-patient" })
    this.score = made("span", { class: "score" })
    this.chip = new AlarmChip(() => this.#acknowledge())
    this.none = made("span", { class: "no-alarm" })
    this.more = made("span", { class: "more" })
    this.off = made("span", { class: "alarms-off" })
    this.alarms = made("div", { class: "tile-alarm" }, this.chip.element, this.none, this.more, this.off)
    this.body = made("div", { class: "tile-body" })
    this.rest = made("div", { class: "tile-rest" })
    this.pumps = made("div", { class: "tile-pumps" })
    this.element = made("article", { class: "tile", "data-bed": bed.bed },
      made("h2", { class: "tile-head" }, this.title, this.patient, this.score), this.alarms, this.body, this.rest,
      this.pumps)
    this.#build(bed)
    this.name()
  }

  get bed() { return store.beds.get(this.id) }

  #build(bed) {
    const devices = new Set(bed.devices ?? [])
    const of = [...store.streams.values()].filter((one) => devices.has(one.device))
    const isPump = (stream) => store.devices.get(stream.device)?.isPump
    const { waves, blocks } = arrange(of.filter((one) => !isPump(one)))
    const shown = waves.slice(0, MOST_WAVES)
    const beside = made("div", { class: "tile-numbers" })
    for (const wave of shown) {
      const cell = made("div", { class: "number-cell" })
      for (const block of wave.blocks.slice(0, 1)) cell.append(this.#block(block))
      beside.append(cell)
    }
    const told = new Set(shown.flatMap((wave) => wave.blocks.slice(0, 1).map((block) => block.word)))
    const others = [...waves.slice(MOST_WAVES).flatMap((wave) => wave.blocks), ...blocks,
      ...shown.flatMap((wave) => wave.blocks.slice(1))]
      .filter((block) => !spare(block) || !told.has(block.word)).sort((a, b) => spare(a) - spare(b))
    for (const block of others.slice(0, shown.length ? MOST_BLOCKS : 4 * MOST_BLOCKS)) {
      this.rest.append(this.#block(block))
    }
    if (of.length === 0) this.body.append(made("p", { class: "nothing", "data-t": "noDevices" }))
    if (shown.length === 0) {
      setState(this.element, "data-plain", true)
      return
    }
    const box = made("div", { class: "wave-box" })
    this.body.style.setProperty("--rows", shown.length)
    this.body.append(box, beside)
    this.waves = new Waves(box, this.id, shown)
  }

  #block(block) {
    const view = new Block(block)
    this.#blocks.push(view)
    return view.element
  }

  #buildPumps() {
    const all = pumpsOf(this.id)
    this.#pumps = all.slice(0, MOST_PUMPS).map((pump) => new PumpLine(pump))
    this.pumps.replaceChildren(...this.#pumps.map((line) => line.element))
    if (all.length > MOST_PUMPS) {
      this.pumps.append(made("span", { class: "more" }, t("morePumps", { count: all.length - MOST_PUMPS })))
    }
  }

  #acknowledge() {
    const instances = alarmsOf(this.id).filter(waits).map((one) => one.instance)
    if (instances.length && this.names.people) this.names.people.openPeople("acknowledge", { bed: this.id, instances })
    else location.hash = `#/bed/${encodeURIComponent(this.id)}`
  }

  /** Everything that is words, again. */
  name() {
    const bed = this.bed
    this.title.replaceChildren(plain(inLanguage(bed.name, bed.nameArabic) || bed.bed))
    this.namePatient()
    const score = scoreText(bed)
    setText(this.score, score?.text ?? "")
    this.score.title = score?.detail ?? ""
    setState(this.score, "data-whole", score && !score.isWhole ? "no" : undefined)
    for (const block of this.#blocks) block.name()
    this.waves?.name()
    this.#buildPumps()
    this.showAlarms()
  }

  /** Who is there, which changes with who may know it. */
  namePatient() {
    setText(this.patient, patientText(this.bed, this.names.of(this.id)))
    setState(this.patient, "data-bound", this.bed.patient ? undefined : "no")
  }

  showAlarms() {
    const [worst, ...others] = alarmsOf(this.id)
    const off = (this.bed.off ?? []).length
    this.chip.element.hidden = !worst
    this.none.hidden = Boolean(worst)
    if (worst) this.chip.update(worst)
    setText(this.none, t(this.bed.preset ? "noAlarm" : "noPreset"))
    setText(this.more, others.length ? t("moreAlarms", { count: others.length }) : "")
    setText(this.off, off ? t("alarmsOff", { count: off }) : "")
    const isGiven = worst && signal(worst, store.now().mono) === "given"
    setState(this.element, "data-worst", isGiven ? cleaned(worst.priority) : undefined)
  }

  refresh() {
    for (const block of this.#blocks) block.refresh()
    for (const pump of this.#pumps) pump.refresh()
    this.showAlarms()
  }

  pumpsChanged() { this.#buildPumps() }

  drop() { this.waves?.drop() }
}

/** Mounts the screen; returns what takes it away. */
export function mount(container) {
  const grid = made("div", { class: "tiles" })
  const strip = new Strip()
  const names = { of: () => undefined, people: undefined }
  let tiles = new Map()
  container.append(made("div", { class: "unit-screen" }, grid, strip.element))

  const columns = () => {
    const count = tiles.size
    const most = Math.max(1, Math.floor(grid.clientWidth / TILE_WIDTH))
    const wanted = Math.min(most, COLUMNS[count] ?? Math.ceil(Math.sqrt(count * 1.6)))
    grid.style.setProperty("--columns", wanted)
    grid.style.setProperty("--tile-rows", Math.ceil(count / wanted))
  }
  const build = () => {
    for (const tile of tiles.values()) tile.drop()
    tiles = new Map([...store.beds.values()].map((bed) => [bed.bed, new Tile(bed, names)]))
    grid.replaceChildren(...[...tiles.values()].map((tile) => tile.element))
    if (!store.picture) grid.append(made("p", { class: "nothing" }, t("waiting")))
    columns()
    strip.build()
  }
  const all = (change) => () => { for (const tile of tiles.values()) change(tile) }
  const refresh = () => {
    all((tile) => tile.refresh())()
    strip.refresh()
  }
  const beat = ({ detail }) => {
    if (detail.beds?.some((id) => !tiles.has(id))) build()
    for (const id of detail.beds ?? []) tiles.get(id).name()
    if (detail.pumps) all((tile) => tile.pumpsChanged())()
    if (detail.values || detail.devices) refresh()
  }
  const patients = all((tile) => tile.namePatient())
  const named = () => {
    all((tile) => tile.name())()
    strip.build()
  }
  const events = {
    picture: build, beat, alarms: all((tile) => tile.showAlarms()), language: named, people: patients,
    link: refresh,
  }
  for (const [name, take] of Object.entries(events)) store.addEventListener(name, take)
  const watch = new ResizeObserver(columns)
  watch.observe(grid)
  const timer = setInterval(refresh, REFRESH)
  build()
  part("./people.js").then((people) => {
    names.people = strip.people = people
    if (people) names.of = (bed) => nameOf(people, bed)
    patients()
  })
  return () => {
    clearInterval(timer)
    watch.disconnect()
    for (const [name, take] of Object.entries(events)) store.removeEventListener(name, take)
    for (const tile of tiles.values()) tile.drop()
  }
}
