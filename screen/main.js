// The frame around every screen: where the address leads, the language, the lock, the clock, and what is lost.

import { setState, setText } from "./dom.js"
import { listen } from "./live.js"
import { showMark } from "./mark.js"
import { part } from "./part.js"
import { store } from "./store.js"
import { cleaned, fill, language, loadWords, num, plain, setLanguage, t, timeText, zoneName } from "./words.js"

const SCREENS = { unit: "./unit.js", bed: "./bed.js", history: "./history.js", technical: "./technical.js" }
// Modules that bring words of their own.
const WORDS = ["words", "words-people", "words-history"]
// A thin link (a far clinician's) gets numbers everywhere, and waves of the chosen bed only.
const isThin = new URLSearchParams(location.search).has("thin")

const at = (id) => document.getElementById(id)
let shown = { address: undefined, unmount: () => {} }
let showing = 0

/** "#/bed/chair-1?x=1" as {screen: "bed", id: "chair-1", x: "1"}. */
export function readAddress(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?")
  const [screen, id] = path.split("/")
  let name = undefined
  try { name = id && decodeURIComponent(id) } catch { name = undefined }
  return { ...Object.fromEntries(new URLSearchParams(query)), screen: screen in SCREENS ? screen : "unit", id: name }
}

async function go() {
  if (location.hash === "#screen") return
  const address = readAddress(location.hash)
  const turn = ++showing
  listen(wavesOf(address))
  const module = await part(SCREENS[address.screen])
  if (turn !== showing) return
  try { shown.unmount() } finally { at("screen").replaceChildren() }
  shown = { address, unmount: () => {} }
  document.body.dataset.screen = address.screen
  for (const link of at("nav").children) {
    setState(link, "aria-current", readAddress(link.hash).screen === address.screen ? "page" : undefined)
  }
  if (!module) {
    at("screen").append(t("partMissing"))
    return
  }
  shown.unmount = module.mount(at("screen"), { ...address, bed: address.id }) ?? (() => {})
  fill(at("screen"))
}

function showLink() {
  document.body.dataset.link = store.link
  setText(at("link"), t(`link-${store.link}`))
  // The alarm bar tells it as soon as it is there, with what silences it; until then, or without it, this line does.
  const isTold = store.link === "live" || at("alarm-bar").hasChildNodes()
  at("lost").hidden = isTold
  setText(at("lost"), isTold ? "" : t(`words-${store.link}`))
}

function showUnit() {
  const picture = store.picture
  if (!picture) return
  at("unit-name").replaceChildren(plain(picture.unit))
  document.title = `${cleaned(picture.unit)} · Nabd`
  const mark = ["test", "training"].includes(picture.mark) ? picture.mark : undefined
  at("mark-words").hidden = !mark
  setText(at("mark-words"), mark ? t(`mark-${mark}`) : "")
  showMark(at("mark"), mark && t(`mark-${mark}`))
}

function showClock() {
  if (!store.picture) return
  const { utc } = store.now()
  const time = num(timeText(utc, { seconds: true }))
  const isUnsure = store.picture.clock !== "synchronised"
  at("clock").replaceChildren(time, " ", num(zoneName()), ...(isUnsure ? [" ", t("clockUnsure")] : []))
}

function showLanguage() {
  // The switch is written in the language that it leads to.
  at("language").textContent = language() === "en" ? "العربية" : "English"
  at("language").lang = language() === "en" ? "ar" : "en"
  for (const show of [showLink, showUnit, showClock]) show()
}

/** The language that this screen had last, and nothing else, is kept by the browser where it lets us. */
function kept(name) {
  try {
    if (name) localStorage.setItem("language", name)
    return localStorage.getItem("language") ?? undefined
  } catch {
    return undefined
  }
}

/** The waves that a screen needs. */
function wavesOf(address) {
  return { unit: isThin ? "none" : "all", bed: address.id }[address.screen] ?? "none"
}

async function begin() {
  // First of all: while the words come, the picture does too.
  listen(wavesOf(readAddress(location.hash)))
  await Promise.all(WORDS.map(loadWords))
  store.addEventListener("link", showLink)
  store.addEventListener("picture", showUnit)
  store.addEventListener("language", showLanguage)
  setLanguage(kept() ?? (navigator.language.startsWith("ar") ? "ar" : "en"))
  at("language").addEventListener("click", () => {
    setLanguage(language() === "en" ? "ar" : "en")
    kept(language())
  })
  at("skip").addEventListener("click", (event) => {
    event.preventDefault()
    at("screen").focus()
  })
  addEventListener("hashchange", go)
  setInterval(showClock, 500)
  go()
  part("./alarms.js").then((alarms) => {
    alarms?.mountAlarmBar(at("alarm-bar"))
    showLink()
  })
  const people = await part("./people.js")
  const showStaying = () => {
    const id = people?.staying?.()
    at("lock").replaceChildren(...(id ? [t("lock"), " ", plain(id)] : [t("lock")]))
  }
  for (const name of ["people", "language"]) store.addEventListener(name, showStaying)
  for (const id of ["lock", "patients"]) at(id).hidden = !people
  at("lock").addEventListener("click", () => people.lock())
  at("patients").addEventListener("click", () => people.openPeople("patients"))
  showStaying()
}

begin()
