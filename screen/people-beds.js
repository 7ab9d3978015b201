// Who is at a bed, by which preset it is watched, and what no device measures.

import { store } from "./store.js"
import { cleaned, inLanguage, language, t } from "./words.js"
import { choice, el, field, fillWith } from "./parts.js"
import { actForm } from "./acts.js"
import { placeName } from "./alarm-words.js"
import { keepPatients } from "./signin.js"

/** What a patient is told by: usually the first two. */
const USUAL = ["mrn", "birth-date"]
const MORE = ["name", "national-id", "iqama", "passport"]
/** A patient can be bound from so long ago on. Unit: min. */
const LONGEST_AGO = 1440
/** How long the host may take to say which presets there are. Unit: ms. */
const PATIENCE = 4_000
const SYMPTOMS = [
  "esas-pain", "esas-tiredness", "esas-drowsiness", "esas-nausea", "esas-appetite", "esas-breath", "esas-depression",
  "esas-anxiety", "esas-wellbeing", "esas-other",
]
const VALUES = { consciousness: ["A", "C", "V", "P", "U"], oxygen: ["air", "oxygen"], "spo2-scale": ["1", "2"] }
/** What is counted: a number that is typed. Whole ones of at most so many digits; the host says what is none. */
const COUNTED = { respiration: 3 }
const SCORES = [...Array.from({ length: 11 }, (_, place) => String(place)), "not-said"]

const isArabic = () => language() === "ar"
const about = (bed) => el("p.about", {}, t("people.bed", { place: placeName(bed) }))

/** Tells that it was done; with who the patient is, to compare with the wristband, until the dialog is closed. */
function bedAnswered(key) {
  return (answer) => {
    keepPatients(answer.bed ? [answer.bed] : [])
    const identifiers = answer.bed?.patient?.identifiers ?? {}
    const rows = Object.entries(identifiers).map(([kind, text]) => [
      el("dt", { t: `people.kind.${kind}` }), el("dd", {}, el("bdi", {}, text)),
    ])
    return [isArabic() ? el("p", { t: key }) : null, rows.length > 0 ? el("dl.patients", {}, rows) : null]
  }
}

function identifierFields() {
  const made = new Map()
  const rowOf = (kind) => {
    const { row, input } = field({
      label: `people.kind.${kind}`, hint: t(`people.kind.${kind}.hint`), dir: kind === "name" ? "auto" : "ltr",
      maxlength: 200, autocapitalize: "none", name: kind, required: USUAL.includes(kind),
    })
    made.set(kind, input)
    return row
  }
  const more = el("details", {}, el("summary", { t: "people.bind.more" }), MORE.map(rowOf))
  const box = el("fieldset", {}, el("legend", { t: "people.bind.who" }), USUAL.map(rowOf), more)
  // Who cannot be told by the usual ones is told by others: the host says what is enough.
  more.addEventListener("toggle", () => {
    for (const kind of USUAL) made.get(kind).required = !more.open
  })
  const read = () =>
    [...made].filter(([, input]) => input.value !== "").map(([kind, input]) => ({ kind, text: input.value }))
  return { box, read }
}

export function bind(dialog, { bed }) {
  const who = identifierFields()
  const minutes = { type: "number", min: 0, max: LONGEST_AGO, step: 1, value: 0, dir: "ltr" }
  const ago = field({ label: "people.bind.ago", ...minutes })
  dialog.body.append(
    actForm({
      dialog, fields: [about(bed), who.box, ago.row], submit: "people.bind.do", doubt: "people.doubt.bed",
      line: () => ({ ask: "bind", bed, identifiers: who.read(), since: Math.round(Number(ago.input.value)) * 60 }),
      done: bedAnswered("people.bind.done"),
    }))
}

export function unbind(dialog, { bed }) {
  dialog.body.append(
    actForm({
      dialog, fields: [about(bed), el("p.note", { t: "people.unbind.note" })], submit: "people.unbind.do",
      doubt: "people.doubt.bed", line: () => ({ ask: "unbind", bed }), done: bedAnswered("people.unbind.done"),
    }))
}

/** The binding's number; left out, the one that is open is meant. */
function bindingField(bed) {
  const open = store.beds?.get(bed)?.patient?.binding ?? null
  const hint = open === null ? t("people.binding.none") : t("people.binding.open", { number: open })
  const number = field({ label: "people.binding", hint, inputmode: "numeric", pattern: "[0-9]{0,18}", dir: "ltr" })
  const read = () => {
    const text = number.input.value || (open === null ? "" : String(open))
    return text === "" ? {} : { number: Number(text) }
  }
  return { row: number.row, read }
}

export function withdraw(dialog, { bed }) {
  const binding = bindingField(bed)
  dialog.body.append(
    actForm({
      dialog, fields: [about(bed), el("p.note", { t: "people.withdraw.note" }), binding.row],
      submit: "people.withdraw.do", doubt: "people.doubt.bed", danger: true,
      line: () => ({ ask: "withdrawBinding", bed, ...binding.read() }), done: bedAnswered("people.withdraw.done"),
    }))
}

export function replace(dialog, { bed }) {
  const binding = bindingField(bed)
  const who = identifierFields()
  dialog.body.append(
    actForm({
      dialog, fields: [about(bed), el("p.note", { t: "people.replace.note" }), binding.row, who.box],
      submit: "people.replace.do", doubt: "people.doubt.bed", danger: true,
      line: () => ({ ask: "replaceBinding", bed, ...binding.read(), identifiers: who.read() }),
      done: bedAnswered("people.replace.done"),
    }))
}

/** The presets that the host has, those of the site among them; `null` where it does not say. */
async function presetsOfHost() {
  try {
    const answer = await fetch("/technical", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
    const told = await answer.json()
    return answer.ok && Array.isArray(told?.presets) ? told.presets.filter((one) => one?.preset) : null
  } catch {
    return null
  }
}

const presetOption = (now) => ({ preset, title, titleArabic, reviewed }) => ({
  value: preset, checked: preset === now,
  text: el(
    "span", {}, el("bdi", {}, cleaned(inLanguage(title ?? "", titleArabic))), " ",
    el("bdi.handle", { dir: "ltr" }, cleaned(preset)), reviewed ? null : el("span.note", {}, " · ", t("reviewedNot"))),
})

export function choosePreset(dialog, { bed }) {
  const now = store.beds?.get(bed)?.preset?.preset ?? null
  const place = el("div.presets", {}, el("p.note", { t: "technical.waiting" }))
  let which = null
  presetsOfHost().then((presets) => {
    which = presets?.length
      ? choice({ legend: t("people.preset.which"), options: presets.map(presetOption(now)), required: false }) : null
    fillWith(place, which?.box ?? el("p.note", { t: presets ? "people.preset.none" : "people.preset.unknown" }))
  })
  const other = field({
    label: "people.preset.other", name: "preset", dir: "ltr", maxlength: 200, autocapitalize: "none" })
  const line = () => {
    const preset = other.input.value || which?.value()
    return preset ? { ask: "choosePreset", bed, preset } : null
  }
  dialog.body.append(
    actForm({
      dialog, fields: [about(bed), place, other.row], submit: "people.preset.do", doubt: "people.doubt.bed", line,
      done: bedAnswered("people.preset.done"),
    }))
}

export function enter(dialog, { bed, item = null }) {
  const items = [...Object.keys(VALUES), ...Object.keys(COUNTED), ...SYMPTOMS]
  const values = el("div")
  const options = items.map((each) => ({ value: each, text: t(`people.item.${each}`), checked: each === item }))
  const which = choice({ legend: t("people.enter.what"), options, columns: true })
  let value = null
  const offer = () => {
    const chosen = which.value()
    if (chosen === null) return
    const digits = COUNTED[chosen]
    if (digits !== undefined) {
      const { row, input } = field({
        label: `people.item.${chosen}`, hint: t(`people.item.${chosen}.hint`), inputmode: "numeric", dir: "ltr",
        pattern: `[0-9]{1,${digits}}`, maxlength: digits, required: true, name: chosen,
      })
      value = { value: () => input.value || null }
      fillWith(values, row)
      return
    }
    const isSymptom = SYMPTOMS.includes(chosen)
    const texts = (isSymptom ? SCORES : VALUES[chosen]).map((each) => ({ value: each, text: valueWords(chosen, each) }))
    value = choice({ legend: t(`people.item.${chosen}`), options: texts, columns: isSymptom })
    fillWith(values, isSymptom ? el("p.note", { t: "people.enter.scale" }) : null, value.box)
  }
  which.onChange(offer)
  offer()
  const line = () => {
    const entered = value?.value() ?? null
    return entered === null ? null : { ask: "enter", bed, item: which.value(), value: entered }
  }
  dialog.body.append(
    actForm({
      dialog, fields: [about(bed), which.box, values], submit: "people.enter.do", doubt: "people.doubt.bed", line,
      done: bedAnswered("people.enter.done"),
    }))
}

/** A value as people read it, with its letter where the chart has one. */
function valueWords(item, value) {
  if (item.startsWith("esas-")) return value === "not-said" ? t("people.value.not-said") : value
  const words = t(`people.value.${item}.${value}`)
  return item === "consciousness" ? `${value} · ${words}` : words
}
