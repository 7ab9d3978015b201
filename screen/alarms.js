// The alarm bar: the worst alarm of each bed, what is silent, whether this screen can sound; always in sight.

import { setState, setText } from "./dom.js"
import { store } from "./store.js"
import { cleaned, plain, t } from "./words.js"
import { pauses, signal, sorted, sounding, waits, worstByPlace } from "./alarm-rules.js"
import { age, cause, placeName, priority, shortStates } from "./alarm-words.js"
import { alarmList } from "./alarm-list.js"
import { besideDialogs } from "./dialog.js"
import { button, el, fillWith, keyed } from "./parts.js"
import { openPeople } from "./people.js"
import { consultationLine, isFar } from "./people-far.js"
import { Sounder, louder } from "./sound.js"
import { hasPumps } from "./stop.js"

/** How often ages and countdowns are looked at. Unit: ms. */
const TICK = 250
/** At a start nothing has been lost yet. Unit: ms. */
const GRACE = 3_000
/** How long the sound of a lost server can be silenced at this screen. Unit: ms. */
const LOST_SILENCED = 120_000

/** The sound of this page; `undefined` before there is a bar. */
export let sounder = undefined

/** A bed's worst alarm, as a button that leads to saying that it was seen. */
function chip(open) {
  const node = el("button.alarm", { type: "button", click: () => press() })
  let shown = ""
  let known = null
  const press = () => {
    const place = known.place || null
    const instances = [...store.alarms.values()]
      .filter((alarm) => (alarm.bed ?? null) === place && waits(alarm)).map((alarm) => alarm.instance)
    if (instances.length > 0 && !isFar()) openPeople("acknowledge", { bed: place, instances })
    else open()
  }
  const update = (one) => {
    known = one
    const { worst, place, more } = one
    const given = signal(worst, store.now().mono)
    const { instance, priority: urgency, presence, text, textArabic } = worst
    const shape = JSON.stringify([instance, urgency, presence, text, textArabic, place, more, given])
    if (shape !== shown) {
      shown = shape
      draw(node, one, given)
    }
    setText(node.querySelector(".state"), stateText(worst))
  }
  return { node, update }
}

function draw(node, { worst, place, more }, given) {
  setState(node, "data-priority", worst.priority ?? "none")
  setState(node, "data-signal", given)
  setState(node, "data-presence", worst.presence)
  setState(node, "data-place", place)
  fillWith(
    node,
    el(
      "span.first", {}, priority(worst), " ", el("strong", {}, plain(placeName(place))), " ",
      more > 0 ? el("span.others", {}, t("alarms.more", { count: more })) : null, " ", el("span.state")),
    " ", el("span.cause", {}, cause(worst)))
}

/** Since when, and the state as long as it is more than that it is on. */
const stateText = (alarm) => {
  const now = store.now()
  return [age(now.utc - alarm.began), ...shortStates(alarm, now)].join(" · ")
}

/** Says what began or became worse: of high priority at once. */
function announcer() {
  const now = el("div.unseen", { "aria-live": "assertive", role: "alert" })
  const later = el("div.unseen", { "aria-live": "polite", role: "status" })
  const told = new Map()
  const tell = (alarms) => {
    const [urgent, others] = [[], []]
    for (const alarm of alarms) {
      if (!waits(alarm) || told.get(alarm.instance) === alarm.priority) continue
      told.set(alarm.instance, alarm.priority)
      const where = [t(`alarms.priority.${alarm.priority}`), cleaned(placeName(alarm.bed)), cause(alarm).textContent]
      const list = alarm.priority === "high" ? urgent : others
      list.push(where.join(": "))
    }
    const there = new Set(alarms.map((alarm) => alarm.instance))
    for (const instance of told.keys()) if (!there.has(instance)) told.delete(instance)
    if (urgent.length > 0) fillWith(now, ...urgent.map((words) => el("p", {}, words)))
    if (others.length > 0) fillWith(later, ...others.map((words) => el("p", {}, words)))
  }
  return { nodes: [now, later], tell }
}

/** Lines below the bar, as long as there is something to know: key, words, and perhaps a button. */
function conditions(state) {
  const { mono } = store.now()
  const lines = []
  if (state.sounder.audible !== "sounds") lines.push(soundless(state))
  if (store.link !== "live" && !state.isGrace()) lines.push(lost(state))
  if (store.curves === "standing") {
    lines.push({ key: "curves", kind: "curves", role: "alert", nodes: () => [el("strong", { t: "curves.standing" })] })
  }
  if (isFar()) lines.push({ key: "far", kind: "far", role: "status", nodes: () => [t("people.far.readOnly")] })
  for (const each of store.picture?.consultations ?? []) lines.push(consultationOpen(each))
  for (const [place, until] of pauses([...store.alarms.values()], mono)) {
    lines.push({
      key: `paused-${place}`, kind: "paused", left: age(until - mono),
      nodes: () => [t("alarms.paused", { place: placeName(place) }), " ", el("b.left")],
    })
  }
  for (const [key, words] of state.notices) {
    lines.push({
      key, kind: "notice", role: "alert",
      nodes: () => [words, button("alarms.notice.seen", () => state.drop(key))],
    })
  }
  return lines
}

/** Who looks on from afar, as long as they may. */
const consultationOpen = (each) => ({
  key: `far-${JSON.stringify(each)}-${isFar()}`, kind: "far", role: "status",
  nodes: () => [
    t("people.far.open-now"), " ", consultationLine(each),
    isFar() ? "" : button("people.far.close", () => openPeople("consultation", { number: each.consultation })),
  ],
})

const soundless = ({ sounder: sound }) => ({
  key: `sound-${sound.audible}`, kind: "sound", role: "alert",
  nodes: () => [
    el("strong", { t: `sound.${sound.audible}` }), " ",
    button("sound.open", () => sound.open(), { class: "open-sound" }),
  ],
})

const lost = (state) => ({
  key: `lost-${store.link}-${state.isSilenced()}`, kind: "lost", role: "alert",
  nodes: () => [
    el("strong", { t: `words-${store.link}` }), " ",
    state.isSilenced() ? el("b.left") : button("alarms.lost.silence", () => state.silence()),
  ],
  left: state.isSilenced() ? age(state.silencedUntil - performance.now()) : "",
})

/** What the bar knows beside the picture. */
class BarState {
  notices = new Map()
  silencedUntil = 0
  #begun = performance.now()
  #wasLive = false
  #number = 0

  constructor(sound) { this.sounder = sound }

  /** Takes in how the link is now. */
  see() {
    if (store.link !== "live") return
    this.#wasLive = true
    this.silencedUntil = 0
  }

  /** Whether the server may still be on its way. */
  isGrace() { return !this.#wasLive && performance.now() - this.#begun < GRACE }

  isSilenced() { return performance.now() < this.silencedUntil }
  silence() { this.silencedUntil = performance.now() + LOST_SILENCED }

  tell(words) {
    if (![...this.notices.values()].includes(words)) this.notices.set(`notice-${(this.#number += 1)}`, words)
  }

  drop(key) { this.notices.delete(key) }

  /** What must sound now. A lost server is an alarm of its own beside those that were known. */
  wanted() {
    const alarms = [...store.alarms.values()]
    const { mono } = store.now()
    const isLost = store.link !== "live" && !this.isGrace()
    const own = isLost && !this.isSilenced() ? { priority: "high", isLouder: false } : null
    const isQuiet = pauses(alarms, mono).size > 0 || (isLost && this.isSilenced())
    return louder(louder(sounding(alarms, mono), own), isQuiet ? { priority: "reminder", isLouder: false } : null)
  }
}

function conditionRow() {
  const node = el("div.condition")
  let left = null
  const update = (line) => {
    if (!node.hasChildNodes()) {
      setState(node, "data-kind", line.kind)
      setState(node, "role", line.role)
      fillWith(node, ...line.nodes().flat(Infinity))
      left = node.querySelector(".left")
    }
    if (left !== null) setText(left, line.left ?? "")
  }
  return { node, update }
}

/**
 * Puts the alarm bar into an element that is always in sight.
 *
 * @returns what takes it away again.
 */
export function mountAlarmBar(container) {
  sounder = new Sounder()
  const state = new BarState(sounder)
  const list = alarmList(() => sounder.test())
  const chips = keyed(el("ul.alarms"), (one) => one.place, () => chip(list.open), "li")
  const lines = keyed(el("div.conditions"), (line) => line.key, conditionRow)
  const quiet = el("p.quiet")
  const all = el("button.key.all", { type: "button", "aria-expanded": "false", "aria-controls": list.node.id })
  all.addEventListener("click", list.toggle)
  const stop = button("people.stop", () => openPeople("stop"), { class: "stop" })
  const voice = announcer()
  const bar = el("section.alarm-bar", {}, el("div.row", {}, quiet, chips.node, all, stop), lines.node, list.node)
  list.onToggle = (isOpen) => all.setAttribute("aria-expanded", String(isOpen))

  const show = () => {
    const alarms = sorted(store.alarms.values())
    state.see()
    chips.update(worstByPlace(alarms))
    lines.update(conditions(state))
    quiet.hidden = alarms.length > 0
    setText(quiet, t(store.picture === undefined ? "alarms.unknown" : "alarms.none"))
    setText(all, t("alarms.all", { count: alarms.length }))
    stop.hidden = !hasPumps() || isFar()
    list.update()
    sounder.want(state.wanted())
  }
  const changed = () => {
    voice.tell([...store.alarms.values()])
    show()
  }
  const renew = () => {
    bar.setAttribute("aria-label", t("alarms.bar"))
    chips.clear()
    lines.clear()
    list.clear()
    show()
  }
  const touched = () => sounder.audible !== "sounds" && sounder.open()
  const heard = { alarms: changed, picture: show, beat: show, link: show, curves: show, language: renew }
  container.append(bar, ...voice.nodes)
  besideDialogs(container, (words) => {
    state.tell(words)
    show()
  })
  for (const [name, act] of Object.entries(heard)) store.addEventListener(name, act)
  for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, touched, { capture: true })
  sounder.addEventListener("audible", show)
  const timer = setInterval(show, TICK)
  renew()
  return () => {
    clearInterval(timer)
    for (const [name, act] of Object.entries(heard)) store.removeEventListener(name, act)
    for (const name of ["pointerdown", "keydown"]) document.removeEventListener(name, touched, { capture: true })
    sounder.close()
    container.replaceChildren()
  }
}
