// Saying that an alarm was seen, having it silent for a while, switching one off and on.

import { store } from "./store.js"
import { language, num, t } from "./words.js"
import { choice, el, fillWith, fresh } from "./parts.js"
import { actForm } from "./acts.js"
import { sorted, waits } from "./alarm-rules.js"
import { alarmLine, placeName } from "./alarm-words.js"

/** At the host: so many at once. */
const MOST = 250
/** How long an alarm may be silent. Unit: s. */
const PAUSES = [60, 120]

const answered = (key) => () => (language() === "ar" ? [el("p", { t: key })] : [])

/**
 * Alarms to choose among: those that were there when the dialog was opened, and no other. What changes of them is
 * shown as it changes; what has ended is not sent.
 */
function chosenAlarms(dialog, alarms) {
  const rows = alarms.slice(0, MOST).map((alarm) => {
    const box = el("input", { type: "checkbox", id: fresh("alarm"), checked: true, value: alarm.instance })
    const words = el("label", { for: box.id })
    return { instance: alarm.instance, box, words, row: el("div.option", {}, box, words), shown: "", priority: "" }
  })
  const draw = () => {
    if (!dialog.isOpen()) return store.removeEventListener("alarms", draw)
    for (const row of rows) {
      const alarm = store.alarms.get(row.instance)
      const isThere = alarm !== undefined && waits(alarm)
      const shown = JSON.stringify(isThere ? [alarm.priority, alarm.text, alarm.presence] : null)
      if (shown === row.shown) continue
      row.shown = shown
      row.priority = alarm?.priority ?? ""
      fillWith(row.words, isThere ? alarmLine(alarm) : t("people.acknowledge.ended"))
      row.box.disabled = !isThere
    }
    return undefined
  }
  draw()
  store.addEventListener("alarms", draw)
  const list = el("fieldset.alarms", {}, el("legend", { t: "people.acknowledge.which" }), rows.map(({ row }) => row))
  return { list, named: () => rows.filter(({ box }) => box.checked && !box.disabled) }
}

export function acknowledge(dialog, { bed, instances }) {
  const isMeant = (alarm) => (instances ? instances.includes(alarm.instance) : (alarm.bed ?? null) === (bed ?? null))
  const alarms = sorted(store.alarms.values()).filter((alarm) => waits(alarm) && isMeant(alarm))
  if (alarms.length === 0) {
    dialog.body.append(el("p", { t: "people.acknowledge.none" }))
    return
  }
  const chosen = chosenAlarms(dialog, alarms)
  const line = () => {
    const named = chosen.named()
    if (named.length === 0) return null
    // With the priority that is shown: the host does not take it for one that has become worse meanwhile.
    return {
      ask: "acknowledge", instances: named.map((row) => row.instance), priorities: named.map((row) => row.priority),
    }
  }
  dialog.body.append(
    actForm({
      dialog, fields: [chosen.list, el("p.note", { t: "people.acknowledge.note" })], submit: "people.acknowledge.do",
      line, doubt: "people.doubt.alarms", done: answered("people.acknowledge.done"),
    }))
}

export function pause(dialog, { bed = null }) {
  const options = PAUSES.map((seconds, place) => ({
    value: String(seconds), text: t("people.pause.seconds", { seconds }), checked: place === 0,
  }))
  const length = choice({ legend: t("people.pause.length", { place: placeName(bed) }), options })
  const line = () => ({ ask: "pause", seconds: Number(length.value()), ...(bed === null ? {} : { bed }) })
  dialog.body.append(
    actForm({
      dialog, fields: [length.box, el("p.note", { t: "people.pause.note" })], submit: "people.pause.do", line,
      doubt: "people.doubt.alarms", done: answered("people.pause.done"),
    }))
}

/** @param alarm the alarm, as the picture has it, or what is off at a bed: `alert` and `metric`. */
function switched(dialog, { bed, alarm }, ask, key) {
  const { alert, metric } = alarm
  const words = alarm.instance === undefined ? num([alert, metric].filter(Boolean).join(" · ")) : alarmLine(alarm)
  dialog.body.append(
    actForm({
      dialog, fields: [el("p.about", {}, words), el("p.note", { t: `${key}.note` })],
      submit: `${key}.do`, line: () => ({ ask, bed, alert, ...(metric ? { metric } : {}) }),
      doubt: "people.doubt.alarms", done: answered(`${key}.done`), danger: ask === "switchOff",
    }))
}

export const switchOff = (dialog, params) => switched(dialog, params, "switchOff", "people.off")
export const switchOn = (dialog, params) => switched(dialog, params, "switchOn", "people.on")
