// One bed: its curves with their gain, its numbers with their limits, its alarms, trends, infusions, and what to do.

import { waits } from "./alarm-rules.js"
import { Block } from "./blocks.js"
import { AlarmChip } from "./chip.js"
import { made, setState, setText } from "./dom.js"
import { PumpLine, alarmsOf, comma, nameOf, partText, patientText, pumpsOf, scoreText } from "./lines.js"
import { arrange, metricWord, spare } from "./metrics.js"
import { part } from "./part.js"
import { keyed } from "./parts.js"
import { store } from "./store.js"
import { Waves } from "./waves.js"
import { cleaned, inLanguage, plain, t, timeText } from "./words.js"

const REFRESH = 200 // ms
const ACTIONS = ["acknowledge", "pause", "bind", "unbind", "enter", "preset", "pump", "consultation"]
const HOURS = 24

/** The screen of one bed. */
class BedScreen {
  #blocks = []
  #pumps = []

  constructor(container, id) {
    this.id = id
    this.name = made("h1", { class: "bed-name" })
    this.patient = made("span", { class: "bed-patient" })
    this.score = made("span", { class: "score" })
    this.preset = made("span", { class: "bed-preset" })
    this.entered = made("span", { class: "bed-entered" })
    this.curves = made("section", { class: "bed-curves", "data-t-label": "waves" })
    this.others = made("section", { class: "bed-others", tabindex: "0", "data-t-label": "numbers" })
    this.alarms = made("ul", { class: "bed-alarms" })
    this.noAlarm = made("p", { class: "no-alarm", "data-t": "noAlarm" })
    this.rows = keyed(this.alarms, (alarm) => alarm.instance, () => this.#alarmRow(), "li")
    this.pumps = made("div", { class: "bed-pumps" })
    this.actions = made("div", { class: "bed-actions" })
    this.trends = made("div", { class: "bed-trends" })
    this.infusions = made("div", { class: "bed-infusions" })
    const side = made("aside", { class: "bed-side" }, heading("alarms"), this.alarms, this.noAlarm,
      heading("infusions"), this.pumps, heading("actions"), this.actions)
    const head = made("div", { class: "bed-head" }, made("a", { class: "key", href: "#/unit", "data-t": "back" }),
      this.name, this.patient, this.score, this.entered, made("span", { class: "space" }), this.preset)
    const past = made("div", { class: "bed-past" }, made("section", { "data-t-label": "trends" }, this.trends),
      made("section", { "data-t-label": "infusions" }, this.infusions))
    this.element = made("div", { class: "bed-screen" }, head,
      made("div", { class: "bed-live" }, this.curves, this.others), side, past)
    container.append(this.element)
    for (const action of ACTIONS) this.actions.append(this.#action(action))
  }

  get bed() { return store.beds.get(this.id) }

  #action(action) {
    const instances = () => alarmsOf(this.id).filter(waits).map((one) => one.instance)
    const press = () => this.#act(action, instances())
    return made("button", { type: "button", class: "key", "data-t": `act-${action}`, "data-act": action, click: press })
  }

  #act(action, instances) {
    const device = action === "pump" ? pumpsOf(this.id)[0]?.device : undefined
    this.people?.openPeople(action, { bed: this.id, device, instances })
  }

  /** Builds what depends on the streams. */
  build() {
    this.drop()
    const bed = this.bed
    this.#blocks = []
    if (!bed) {
      setText(this.name, t("noBed", { bed: cleaned(this.id ?? "") }))
      this.curves.replaceChildren()
      this.others.replaceChildren()
      return
    }
    const devices = new Set(bed.devices ?? [])
    const of = [...store.streams.values()].filter((one) => devices.has(one.device)
      && !store.devices.get(one.device)?.isPump)
    const { waves, blocks } = arrange(of)
    const box = made("div", { class: "wave-box" })
    const beside = made("div", { class: "tile-numbers" })
    for (const wave of waves) {
      beside.append(made("div", { class: "number-cell" }, ...wave.blocks.slice(0, 1).map((one) => this.#block(one))))
    }
    const others = [...waves.flatMap((wave) => wave.blocks.slice(1)), ...blocks].sort((a, b) => spare(a) - spare(b))
    this.element.style.setProperty("--rows", waves.length)
    this.curves.style.setProperty("--rows", waves.length)
    this.curves.hidden = waves.length === 0
    this.curves.replaceChildren(box, beside)
    if (waves.length) this.waves = new Waves(box, this.id, waves, true)
    box.append(made("span", { class: "speed", dir: "ltr" }, t("speed")))
    this.others.replaceChildren(...others.map((block) => this.#block(block)))
    this.buildPumps()
    this.words()
  }

  #block(block) {
    const view = new Block(block)
    this.#blocks.push(view)
    return view.element
  }

  buildPumps() {
    this.#pumps = pumpsOf(this.id).map((pump) => new PumpLine(pump))
    this.pumps.replaceChildren(...this.#pumps.map((line) => line.element))
  }

  /** Everything that is words, again. */
  words() {
    const bed = this.bed
    if (!bed) return
    this.name.replaceChildren(plain(inLanguage(bed.name, bed.nameArabic) || bed.bed))
    setText(this.patient, patientText(bed, nameOf(this.people, this.id)))
    setState(this.patient, "data-bound", bed.patient ? undefined : "no")
    const score = scoreText(bed)
    setText(this.score, [score?.text, score?.detail].filter(Boolean).join(", "))
    setState(this.score, "data-whole", score && !score.isWhole ? "no" : undefined)
    this.#showPreset(bed)
    setText(this.entered, Object.entries(bed.entered ?? {}).map(([item, entry]) => t("entered", {
      item: partText(item), value: cleaned(entry.value),
      time: timeText(entry.utc), by: cleaned((entry.by ?? []).join(", ")),
    })).join(" · "))
    for (const block of this.#blocks) {
      block.name()
      block.limit(Array.isArray(bed.preset?.limits) ? bed.preset.limits : [])
    }
    this.waves?.name()
    this.buildPumps()
    this.showAlarms()
  }

  #showPreset(bed) {
    const words = [bed.preset ? cleaned(bed.preset.preset) : t("noPreset")]
    if (bed.preset && !bed.preset.reviewed) words.push(t("reviewedNot"))
    const unwatched = this.#unwatched(bed)
    if (unwatched.length) words.push(t("limitsUnwatched", { metrics: unwatched.join(comma()) }))
    setText(this.preset, words.join(" · "))
    setState(this.preset, "data-state", bed.preset?.reviewed && !unwatched.length ? undefined : "invalid")
  }

  /** What the preset has limits of and no device here measures, in short words. */
  #unwatched(bed) {
    const devices = new Set(bed.devices ?? [])
    const own = [...store.streams.values()].filter((one) => devices.has(one.device))
    const measured = new Set(own.map((one) => one.metric))
    const limits = Array.isArray(bed.preset?.limits) ? bed.preset.limits : []
    return limits.map((one) => one.metric).filter((metric) => !measured.has(metric)).map((metric) => {
      const word = metricWord(metric)
      return word ? t(word) : cleaned(metric)
    })
  }

  #alarmRow() {
    const chip = new AlarmChip((alarm) => this.#act("acknowledge", waits(alarm) ? [alarm.instance] : []))
    const began = made("span", { class: "alarm-began", dir: "ltr" })
    const update = (alarm) => {
      chip.update(alarm)
      setText(began, timeText(alarm.began))
    }
    return { node: made("div", { class: "alarm-row" }, chip.element, began), update }
  }

  showAlarms() {
    const all = alarmsOf(this.id)
    this.rows.update(all)
    this.noAlarm.hidden = all.length > 0
    this.actions.querySelector("[data-act=acknowledge]").disabled = !all.some(waits)
  }

  refresh() {
    for (const block of this.#blocks) block.refresh()
    for (const pump of this.#pumps) pump.refresh()
    if (this.bed) this.showAlarms()
  }

  drop() {
    this.waves?.drop()
    this.waves = undefined
  }
}

function heading(word) { return made("h2", { "data-t": word }) }

/** Mounts the screen of `params.bed`; returns what takes it away. */
export function mount(container, { bed: id }) {
  const screen = new BedScreen(container, id)
  const past = []
  let isThere = true
  const words = () => screen.words()
  const beat = ({ detail }) => {
    if (detail.beds?.includes(id)) screen.words()
    if (detail.pumps) screen.buildPumps()
    if (detail.values || detail.devices) screen.refresh()
  }
  const events = {
    picture: () => screen.build(), beat, alarms: () => screen.refresh(),
    language: words, people: words, link: () => screen.refresh(),
  }
  for (const [name, take] of Object.entries(events)) store.addEventListener(name, take)
  const timer = setInterval(() => screen.refresh(), REFRESH)
  if (store.picture) screen.build()
  part("./people.js").then((people) => {
    screen.people = people
    for (const key of screen.actions.children) key.hidden = !people
    words()
  })
  part("./trends.js").then((trends) => {
    if (!isThere || !trends) return
    past.push(trends.mountTrends(screen.trends, { bed: id, hours: HOURS }))
    past.push(trends.mountInfusions(screen.infusions, { bed: id }))
  })
  return () => {
    isThere = false
    clearInterval(timer)
    for (const [name, take] of Object.entries(events)) store.removeEventListener(name, take)
    for (const unmount of past) unmount?.()
    screen.drop()
  }
}
