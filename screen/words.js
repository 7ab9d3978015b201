// What the screen says, in the language that is chosen; how numbers, times and a device's strings are put into it.

import { store } from "./store.js"

const LANGUAGES = ["en", "ar"]
const LONGEST = 200
// Bidi controls, and everything else that is invisible and changes how its neighbours look.
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu
const NUMERIC = /^[-+–\d][\d\s.,:/%×+–-]*$/
const [LEFT, FIRST_STRONG, POP] = ["\u2066", "\u2068", "\u2069"]

const words = { en: {}, ar: {} }
let chosen = "en"

/** "en" or "ar". */
export function language() { return chosen }

/** The locale for Intl: Western digits and the Gregorian calendar in both languages. */
export function locale() { return chosen === "ar" ? "ar-u-nu-latn-ca-gregory" : "en-GB" }

/** Loads `PREFIX.en.json` and `PREFIX.ar.json` beside this file; a key that is there twice is the later one's. */
export async function loadWords(prefix) {
  await Promise.all(LANGUAGES.map(async (name) => {
    const answer = await fetch(new URL(`${prefix}.${name}.json`, import.meta.url))
    if (answer.ok) Object.assign(words[name], await answer.json())
  }))
}

/** Chooses the language for the whole page, at once: direction, and everything that carries a key. */
export function setLanguage(name) {
  chosen = LANGUAGES.includes(name) ? name : "en"
  document.documentElement.lang = chosen
  document.documentElement.dir = chosen === "ar" ? "rtl" : "ltr"
  fill(document)
  store.dispatchEvent(new CustomEvent("language", { detail: { language: chosen } }))
}

/** The words of a key, `{name}` filled from `values`, each isolated so that it turns nothing round. */
export function t(key, values = {}) {
  const said = words[chosen][key] ?? words.en[key] ?? key
  return said.replace(/\{(\w+)\}/g, (_, name) => isolated(values[name] ?? ""))
}

/** Whether there are words for a key. */
export function has(key) { return key in words.en }

function isolated(value) {
  const text = cleaned(value)
  return (typeof value === "number" || NUMERIC.test(text) ? LEFT : FIRST_STRONG) + text + POP
}

/** Fills every element below that carries `data-t` (text) or `data-t-label` (its accessible name and title). */
export function fill(root) {
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t)
  for (const element of root.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel))
    element.title = t(element.dataset.tLabel)
  }
}

/** A string from a device or a person as harmless text: unseen characters are marks, 200 characters at most. */
export function cleaned(text) {
  const all = Array.from(String(text ?? "").slice(0, 4 * LONGEST))
  const short = all.length > LONGEST ? [...all.slice(0, LONGEST - 1), "…"] : all
  return short.join("").replace(UNSEEN, "␦")
}

/** A number, with or without its unit, that stays left to right: an element. */
export function num(text) { return isolatedElement(text, "ltr") }

/** Text of a device or a person that turns nothing round: an element. */
export function plain(text) { return isolatedElement(text, "auto") }

function isolatedElement(text, direction) {
  const element = document.createElement("bdi")
  element.dir = direction
  element.textContent = cleaned(text)
  return element
}

/** The one of two texts that is in the chosen language, or the other. */
export function inLanguage(english, arabic) { return (chosen === "ar" ? arabic || english : english || arabic) ?? "" }

/** A time of day in the unit's zone. Unit: ms since 1970. */
export function timeText(utc, { seconds = false, date = false, zone = false } = {}) {
  const form = { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zoneName() }
  if (seconds) form.second = "2-digit"
  if (date) Object.assign(form, { day: "numeric", month: "short" })
  if (zone) form.timeZoneName = "shortOffset"
  return Number.isFinite(utc) ? formatter(form).format(utc) : ""
}

const formatters = new Map()

function formatter(form) {
  const key = locale() + JSON.stringify(form)
  if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat(locale(), form))
  return formatters.get(key)
}

/** The unit's zone, or UTC where the picture names none that is known. */
export function zoneName() {
  const zone = store.picture?.zone
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone })
    return zone || "UTC"
  } catch {
    return "UTC"
  }
}
