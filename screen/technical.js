// How the unit itself is: what `nabd status` tells, for whoever looks after it.

import { store } from "./store.js"
import { inLanguage, num, plain, t, timeText } from "./words.js"
import { sorted } from "./alarm-rules.js"
import { age, alarmLine } from "./alarm-words.js"
import { el, fillWith } from "./parts.js"

/** How often the host is asked, and how long it may take. Unit: ms. */
const EVERY = 5_000
const PATIENCE = 4_000
/** What is older is marked: three questions without an answer. Unit: ms. */
const OLD = 3 * EVERY
/** A line that wakes later than so is late. Unit: µs. */
const LATE = 10_000
/** A line has no room left above this share of its time; the host refuses a unit beyond it. */
const FULL = 0.8
/** A lane that is further behind than this does not keep up: a window is a minute long. Unit: s. */
const BEHIND = 600
/** A certificate is to be renewed. Unit: days. */
const RENEW = 30
/** A journal is nearly at its limit. */
const NEARLY = 0.9

/** Alerts that are about how the unit reaches the records service, and by which certificate. */
const CERTIFICATE = /^NABD_CERTIFICATE/
const UNIT = /^NABD_/

const MARKS = { good: "✓ ", bad: "✕ ", doubt: "? " }
const dash = () => el("span.unknown", { t: "technical.unknown" })
const figure = (value, unit = "") => (Number.isFinite(value) ? num(`${value.toLocaleString("en-GB")}${unit}`) : dash())

/** Bytes as people read them. */
function size(bytes) {
  if (!Number.isFinite(bytes)) return dash()
  const step = Math.min(4, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  const number = bytes / 2 ** (10 * step)
  return num(`${step === 0 ? number : number.toFixed(1)} ${["B", "KiB", "MiB", "GiB", "TiB"][step]}`)
}

const word = (prefix, name) => {
  const key = `${prefix}.${name}`
  const words = t(key)
  return words === key ? plain(name ?? "––") : words
}

/** What the host says in its own language. */
const english = (words) => el("bdi", { lang: "en", dir: "ltr" }, plain(words))

/** A state as a mark and a word: good, not as it should be, or not known. */
const state = (kind, ...words) =>
  el(`span.state.${kind}`, {}, el("span", { "aria-hidden": "true" }, MARKS[kind]), ...words)

function table(title, columns, rows, none) {
  if (rows.length === 0) return el("section", {}, el("h2", { t: title }), el("p", { t: none }))
  const head = el("tr", {}, columns.map((column) => el("th", { scope: "col", t: column })))
  const body = rows.map(([first, ...rest]) =>
    el("tr", {}, el("th", { scope: "row" }, first), rest.map((cell) => el("td", {}, cell))))
  const made = el("table", {}, el("thead", {}, head), el("tbody", {}, body))
  return el("section", {}, el("h2", { t: title }), el("div.wide", { tabindex: "0", role: "group" }, made))
}

const facts = (title, rows) =>
  el("section", {}, el("h2", { t: title }), el("dl", {}, rows.filter(Boolean).map(([key, value]) =>
    el("div", {}, el("dt", { t: key }), el("dd", {}, value)))))

// MARK: Parts

const HEALTH = { ok: "good", degraded: "bad", failing: "bad" }
const LINKS = { answering: "good", awaited: "doubt", silent: "bad", wrongDevice: "bad" }

function health({ health: told = {}, version, unit }) {
  const reasons = (told.reasons ?? []).map((reason) => el("li", {}, english(reason)))
  return el(
    "section.health", {}, el("h2", { t: "technical.health" }),
    el("p", {}, state(HEALTH[told.state] ?? "doubt", word("technical.health", told.state)), " · ", plain(unit), " · ",
      num(`nabd ${version ?? ""}`)),
    reasons.length > 0 ? el("ul", {}, reasons) : null)
}

function clockAndRights({ clock, time, scheduling, memory }) {
  const seen = Date.parse(time)
  return facts("technical.clock", [
    ["technical.clock.quality", state(clock === "synchronised" ? "good" : "bad", word("technical.clock", clock))],
    ["technical.clock.time", num(timeText(seen, { seconds: true, zone: true }))],
    ["technical.scheduling", scheduling ? plain(scheduling) : dash()],
    ["technical.memory", memory ? plain(memory) : dash()],
  ])
}

function lines({ lines: told = [] }) {
  const rows = told.map(({ line, utilisation, missedDeadlines, latenessMicroseconds: late = {} }) => {
    const share = Number.isFinite(utilisation) ? `${(utilisation * 100).toFixed(1)} %` : "––"
    return [
      num(line), utilisation > FULL ? state("bad", num(share)) : num(share), figure(late.p50, " µs"),
      late.p99 > LATE ? state("bad", figure(late.p99, " µs")) : figure(late.p99, " µs"),
      missedDeadlines > 0 ? state("bad", figure(missedDeadlines)) : figure(missedDeadlines),
    ]
  })
  const columns = ["line", "share", "late50", "late99", "missed"].map((column) => `technical.lines.${column}`)
  return table("technical.lines", columns, rows, "technical.lines.none")
}

function devices({ devices: told = [] }) {
  const rows = told.map(({ device, profile, line, link, hint }) => [
    num(device), state(LINKS[link] ?? "doubt", word("technical.link", link)), num(line), num(profile ?? "––"),
    hint ? english(hint) : "",
  ])
  const columns = ["device", "link", "line", "profile", "hint"].map((column) => `technical.devices.${column}`)
  return table("technical.devices", columns, rows, "technical.devices.none")
}

function journal({ journal: told = {} }) {
  const share = told.bytes / told.limitBytes
  const used = [size(told.bytes), " / ", size(told.limitBytes)]
  return facts("technical.journal", [
    ["technical.journal.size", share > NEARLY ? state("bad", ...used) : used],
    ["technical.journal.samples", figure(told.samples)], ["technical.journal.events", figure(told.events)],
    ["technical.journal.gaps", told.gaps > 0 ? state("bad", figure(told.gaps)) : figure(told.gaps)],
    ["technical.journal.writes", told.problem
      ? state("bad", english(told.problem)) : state("good", t("technical.journal.taken"))],
  ])
}

function uplink({ uplink: told, alerts = [] }) {
  const certificates = alerts.filter(({ alert }) => CERTIFICATE.test(alert ?? ""))
  const isUnknown = !told
  const certificate = isUnknown
    ? dash()
    : certificates.length > 0
      ? state("bad", certificates.map((alert) => plain(inLanguage(alert.text, alert.textArabic) || alert.alert)))
      : state("good", t("technical.uplink.certificateGood"))
  if (isUnknown) return el("section", {}, el("h2", { t: "technical.uplink" }), el("p", { t: "technical.uplink.none" }))
  const since = told.nothingStoredMilliseconds
  return facts("technical.uplink", [
    ["technical.uplink.server", told.server ? num(told.server) : dash()],
    ["technical.uplink.stored", figure(told.stored)],
    ["technical.uplink.parked", told.parked > 0 ? state("bad", figure(told.parked)) : figure(told.parked)],
    ["technical.uplink.delivers", Number.isFinite(since)
      ? state("bad", t("technical.uplink.nothing", { age: age(since) })) : state("good", t("technical.uplink.good"))],
    ["technical.uplink.last", told.lastStored ? num(dayAndTime(told.lastStored)) : dash()],
    ["technical.uplink.waiting", told.waitingBehindParked > 0
      ? state("bad", figure(told.waitingBehindParked)) : figure(told.waitingBehindParked)],
    told.mayNotRead ? ["technical.uplink.readBack", state("doubt", t("technical.uplink.mayNotRead"))] : null,
    told.problem ? ["technical.uplink.problem", english(told.problem)] : null,
    ["technical.uplink.certificate", certificate],
  ])
}

const dayAndTime = (text) => timeText(Date.parse(text), { seconds: true, date: true })

/** How far behind each kind of record is that goes to the records service. */
function lanes({ uplink: told }) {
  if (!told) return null
  const rows = (told.lanes ?? []).map(({ lane, behindSeconds: behind, lastStored, lastError: why }) => [
    word("technical.lane", lane),
    !Number.isFinite(behind) ? dash()
      : state(behind > BEHIND ? "bad" : "good", age(behind * 1000)),
    lastStored ? num(dayAndTime(lastStored)) : dash(),
    why ? english(why) : "",
  ])
  const heads = ["lane", "behind", "last", "why"].map((one) => `technical.lanes.${one}`)
  return table("technical.lanes", heads, rows, "technical.lanes.none")
}

function certificates({ certificates: told }) {
  if (!Array.isArray(told)) return facts("technical.certificates", [["technical.certificates", dash()]])
  const rows = told.map(({ certificate, expires, daysLeft: days }) => [
    word("technical.certificate", certificate), expires ? num(expires.slice(0, 10)) : dash(),
    !Number.isFinite(days) ? dash()
      : days < 0 ? state("bad", t("technical.certificates.expired"))
        : days < RENEW ? state("bad", figure(days)) : state("good", figure(days)),
  ])
  const columns = ["certificate", "expires", "days"].map((column) => `technical.certificates.${column}`)
  return table("technical.certificates", columns, rows, "technical.certificates.none")
}

const SEVERITIES = { warning: "doubt", fault: "bad" }

/** What `nabd doctor` would find now of the machine. */
function doctor({ findings: told, examined }) {
  if (!Array.isArray(told)) return facts("technical.doctor", [["technical.doctor.examined", dash()]])
  const rows = told.map(({ what, severity, words }) => [
    word("technical.doctor", what),
    state(SEVERITIES[severity] ?? "doubt", word("technical.severity", severity)), english(words)])
  const columns = ["what", "severity", "words"].map((column) => `technical.doctor.${column}`)
  const part = table("technical.doctor", columns, rows, "technical.doctor.none")
  part.append(el("p", {}, `${t("technical.doctor.examined")}: `, examined ? num(dayAndTime(examined)) : dash()))
  return part
}

/** What the unit says of itself. Alarms of patients stand in the bar, and not here. */
function findings({ alerts = [] }) {
  const own = sorted(alerts.filter(({ alert }) => UNIT.test(alert ?? "")).map((alert) => ({
    ...alert, began: Date.parse(alert.began) || 0,
  })))
  const rows = own.map((alert) => el("li", {}, alarmLine(alert), " · ", age(alert.heldMilliseconds ?? 0)))
  return el(
    "section", {}, el("h2", { t: "technical.findings" }),
    rows.length > 0 ? el("ul.findings", {}, rows) : el("p", { t: "technical.findings.none" }))
}

/**
 * The technical screen.
 *
 * @returns what ends it.
 */
export function mount(container) {
  const told = el("p.asked", { role: "status" })
  const body = el("div.parts")
  let status = null
  let got = null
  let failure = ""
  const draw = () => {
    if (status === null) return
    const parts = [health, findings, doctor, devices, lines, journal, uplink, lanes, certificates, clockAndRights]
    fillWith(body, ...parts.map((part) => part(status)).filter(Boolean))
  }
  const drawAge = () => {
    const since = got === null ? null : performance.now() - got
    const isOld = since === null || since > OLD
    body.classList.toggle("old", isOld)
    const words = since === null ? t("technical.waiting") : t("technical.asked", { age: age(since) })
    const problem = failure ? el("strong.bad", {}, ` ✕ ${t("technical.failure")} `, plain(failure)) : null
    fillWith(told, words, problem)
  }
  const ask = async () => {
    try {
      const answer = await fetch("/technical", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
      const heard = await answer.json()
      if (typeof heard?.failure === "string") throw new Error(heard.failure)
      if (heard === null || typeof heard !== "object" || !answer.ok) throw new Error(`HTTP ${answer.status}`)
      status = heard
      got = performance.now()
      failure = ""
      draw()
    } catch (error) {
      failure = error.name === "TimeoutError" || error.name === "TypeError" ? t("technical.silent") : error.message
    }
    drawAge()
  }
  const renew = () => {
    draw()
    drawAge()
  }
  container.append(el("article.technical", {}, el("h1", { t: "technical.title" }), told, body))
  store.addEventListener("language", renew)
  const timers = [setInterval(ask, EVERY), setInterval(drawAge, 1_000)]
  drawAge()
  ask()
  return () => {
    timers.forEach(clearInterval)
    store.removeEventListener("language", renew)
  }
}
