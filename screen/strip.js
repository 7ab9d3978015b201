// The unit's own strip: what the vehicle tells, which devices answer, and how old the newest record is.

import { waits } from "./alarm-rules.js"
import { Value, ageText, labelOf, noteText } from "./blocks.js"
import { AlarmChip } from "./chip.js"
import { made, setState, setText } from "./dom.js"
import { alarmsOf } from "./lines.js"
import { unitText } from "./metrics.js"
import { store } from "./store.js"
import { cleaned, plain, t } from "./words.js"

const GROUPS = [
  { word: "power", metrics: /VOLTAGE|CURRENT$|ACTIVE_POWER|BATTERY|SOLAR_POWER/, most: 3 },
  { word: "position", metrics: /LATITUDE|LONGITUDE|GROUND_SPEED/, most: 3 },
]
const RECORDED_LATE = 2000 // ms: a commit is due each quarter of a second

export class Strip {
  #values = []

  constructor() {
    this.element = made("footer", { class: "strip" })
    this.devices = made("span", { class: "strip-value" })
    this.journal = made("span", { class: "strip-value" })
    this.chip = new AlarmChip((alarm) => this.people?.openPeople("acknowledge", {
      instances: waits(alarm) ? [alarm.instance] : [],
    }))
    this.alarm = made("span", { class: "strip-alarm" }, this.chip.element)
  }

  /** Builds it anew: the streams, or the language, changed. */
  build() {
    this.#values = []
    const of = [...store.streams.values()].filter((one) => !store.devices.get(one.device)?.bed && one.kind === "number")
    const parts = []
    for (const stream of of.filter((one) => one.metric === "MDC_TEMP")) parts.push(this.#temperature(stream))
    for (const group of GROUPS) {
      const own = of.filter((one) => group.metrics.test(one.metric)).slice(0, group.most)
      if (own.length) parts.push(this.#part(t(group.word), own))
    }
    const fixed = [["devicesStrip", this.devices], ["journalStrip", this.journal]]
    this.element.replaceChildren(...parts, ...fixed.map(([word, value]) => made("span", { class: "strip-part" },
      made("span", { class: "strip-label" }, t(word)), value)), this.alarm)
    this.refresh()
  }

  #temperature(stream) {
    const label = /fridge/i.test(stream.device) ? t("fridge") : plain(stream.device)
    return this.#part(label, [stream])
  }

  #part(label, streams) {
    const values = streams.map((stream) => {
      const value = new Value(stream.n)
      const note = made("span", { class: "strip-note" })
      this.#values.push({ value, note })
      value.element.title = labelOf({ stream })
      const shown = made("span", { dir: "ltr" }, value.element, " ",
        made("bdi", { class: "unit" }, cleaned(unitText(stream.unit))))
      return made("span", { class: "strip-value" }, shown, note)
    })
    return made("span", { class: "strip-part" }, made("span", { class: "strip-label" }, label), ...values)
  }

  refresh() {
    for (const { value, note } of this.#values) {
      const told = noteText(value.refresh())
      setText(note, told && ` ${told}`)
    }
    const devices = [...store.devices.values()]
    const answering = devices.filter((one) => one.link === "answering").length
    setText(this.devices, t("linkCount", { answering, all: devices.length }))
    setState(this.devices, "data-state", answering === devices.length ? undefined : "invalid")
    const age = store.picture ? store.now().mono - store.picture.committed : 0
    const isOff = store.link === "standing" || store.picture?.recording === false
    setText(this.journal, isOff ? t("journalOff") : age > RECORDED_LATE ? t("journalOn", { age: ageText(age) })
      : t("journalNow"))
    setState(this.journal, "data-state", isOff || age > RECORDED_LATE ? "invalid" : undefined)
    const [worst] = alarmsOf(null)
    this.alarm.hidden = !worst
    if (worst) this.chip.update(worst)
  }
}
