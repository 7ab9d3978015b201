// All alarms of the unit with what can be done about each, what is off, and how many there were.

import { setState, setText } from "./dom.js"
import { store } from "./store.js"
import { num, plain, t } from "./words.js"
import { rate, signal, sorted, waits } from "./alarm-rules.js"
import { age, cause, placeName, priority, states, where } from "./alarm-words.js"
import { button, el, fillWith, fresh, keyed } from "./parts.js"
import { openPeople } from "./people.js"
import { isFar } from "./people-far.js"

/** For how long alarms are counted, and how many events are asked for. Unit of the time: ms. */
const COUNTED = 8 * 3_600_000
const MOST_EVENTS = 5_000

const maySwitchOff = (alarm) => alarm.bed && !(alarm.nature === "technical" && alarm.priority === "high")

/** A row: what the alarm is, and what can be done. */
function alarmRow() {
  const node = el("tr")
  const since = el("td.age")
  const state = el("td.state")
  let shown = ""
  const update = (alarm) => {
    const now = store.now()
    const given = signal(alarm, now.mono)
    const shape = JSON.stringify([alarm.priority, alarm.text, alarm.textArabic, alarm.presence, given, alarm.bed])
    if (shape !== shown) {
      shown = shape
      const { place, device } = where(alarm)
      setState(node, "data-priority", alarm.priority ?? "none")
      setState(node, "data-signal", given)
      setState(node, "data-instance", alarm.instance)
      fillWith(
        node, el("td", {}, priority(alarm)), el("th", { scope: "row" }, plain(place)), el("td", {}, num(device)),
        el("td.cause", {}, cause(alarm)), since, state, el("td.acts", {}, isFar() ? null : acts(alarm, given)))
    }
    setText(since, age(now.utc - alarm.began))
    const times = alarm.count > 0 ? [t("alarms.again", { count: alarm.count })] : []
    setText(state, [...states(alarm, now), ...times].join(" · "))
  }
  return { node, update }
}

function acts(alarm, given) {
  const about = { bed: alarm.bed ?? null }
  const seen = { ...about, instances: [alarm.instance] }
  return [
    waits(alarm) ? button("alarms.acknowledge", () => openPeople("acknowledge", seen)) : null,
    given === "given" ? button("alarms.pause", () => openPeople("pause", about)) : null,
    given !== "off" && maySwitchOff(alarm)
      ? button("alarms.off", () => openPeople("switch-off", { ...about, alarm })) : null,
    given === "off" ? button("alarms.on", () => openPeople("switch-on", { ...about, alarm })) : null,
  ]
}

/** What is off at a bed, whether or not its condition holds. */
function offRow() {
  const node = el("li")
  const update = ({ bed, off }) => {
    if (node.hasChildNodes()) return
    const what = num([off.alert, off.metric].filter(Boolean).join(" · "))
    fillWith(
      node, el("span", {}, el("strong", {}, plain(placeName(bed))), " · ", what),
      isFar() ? "" : button("alarms.on", () => openPeople("switch-on", { bed, alarm: off })))
  }
  return { node, update }
}

function switchedOff() {
  const rows = []
  for (const bed of store.beds.values()) {
    for (const off of Array.isArray(bed.off) ? bed.off : []) rows.push({ bed: bed.bed, off })
  }
  return rows
}

/** How many alarms there were, for each bed and hour. */
async function countInto(node) {
  const to = Math.round(store.now().utc)
  const from = to - COUNTED
  try {
    const answer = await fetch(`/log?from=${from}&to=${to}&limit=${MOST_EVENTS}`, { cache: "no-store" })
    const { events } = await answer.json()
    const isCut = events.length >= MOST_EVENTS
    const told = rate(events, [...store.beds.keys()], { from, to, isCut })
    const each = [...told.byBed].filter(([, count]) => count > 0)
      .map(([bed, count]) => el("li", {}, plain(placeName(bed)), ": ", num(String(count))))
    const perHour = told.perBedHour === null ? "––" : told.perBedHour.toFixed(2)
    const words = t("alarms.rate", { perHour, count: told.count, hours: told.hours.toFixed(1) })
    fillWith(node, el("p", {}, words), el("ul", {}, each))
  } catch {
    fillWith(node, el("p", { t: "alarms.rate.unknown" }))
  }
}

/**
 * The list, closed at first: `node`, `open`, `toggle`, `update`, `clear`, and `onToggle` to be set.
 *
 * @param testSound lets somebody hear whether this screen sounds.
 */
export function alarmList(testSound) {
  const rows = keyed(el("tbody"), (alarm) => alarm.instance, alarmRow)
  const off = keyed(el("ul.off"), ({ bed, off: one }) => JSON.stringify([bed, one.alert, one.metric]), offRow)
  const offTitle = el("h3", { t: "alarms.off.title" })
  const counted = el("div.rate")
  const head = el("tr", {}, ["priority", "place", "device", "cause", "age", "state", "acts"]
    .map((column) => el("th", { scope: "col", t: `alarms.column.${column}` })))
  const table = el("table.alarms", {}, el("caption", { t: "alarms.title" }), el("thead", {}, head), rows.node)
  const none = el("p", { t: "alarms.none" })
  const shownNow = () => [...rows.node.children].map((row) => row.dataset.instance)
    .filter((instance) => store.alarms.has(instance) && waits(store.alarms.get(instance)))
  const every = button("alarms.acknowledgeAll", () => openPeople("acknowledge", { instances: shownNow() }))
  const asks = el(
    "div.buttons", {}, every, button("alarms.pauseUnit", () => openPeople("pause", { bed: null })),
    button("people.patients.do", () => openPeople("patients")),
    button("people.far.do", () => openPeople("consultation")))
  const node = el(
    "section.alarm-list", { id: fresh("alarms"), hidden: true, tabindex: "-1", role: "region" },
    el("div.buttons", {}, asks, button("sound.test", testSound), button("people.close", () => list.toggle())),
    none, table, offTitle, off.node, counted)

  const list = {
    node,
    onToggle: () => {},
    open: () => node.hidden && list.toggle(),
    toggle: () => {
      node.hidden = !node.hidden
      list.onToggle(!node.hidden)
      if (node.hidden) return
      list.update()
      node.focus()
      countInto(counted)
    },
    update: () => {
      if (node.hidden) return
      const alarms = sorted(store.alarms.values())
      rows.update(alarms)
      off.update(switchedOff())
      asks.hidden = isFar()
      none.hidden = alarms.length > 0
      table.hidden = alarms.length === 0
      every.disabled = !alarms.some(waits)
      offTitle.hidden = off.node.childElementCount === 0
    },
    clear: () => {
      node.setAttribute("aria-label", t("alarms.title"))
      rows.clear()
      off.clear()
      list.update()
      if (!node.hidden) countInto(counted)
    },
  }
  return list
}
