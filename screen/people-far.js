// A far clinician: opening a consultation for a named one and a time, and closing it.

import { store } from "./store.js"
import { language, plain, t, timeText } from "./words.js"
import { button, choice, el, fillWith } from "./parts.js"
import { actForm } from "./acts.js"
import { placeName } from "./alarm-words.js"

/** How long one may be open. Unit: min. At the host: 1 min to 4 h. */
const LENGTHS = [15, 30, 60, 120, 240]

/** Whether this screen is the far clinician's own: nothing can be asked from there. */
export const isFar = () => Boolean(store.picture?.far)

const answered = (key) => () => (language() === "ar" ? [el("p", { t: key })] : [])

/** Who looks on, until when, and who said so: nodes of one sentence. */
export function consultationLine({ clinician, until, by = [], bed = null, viewers = null }) {
  return [
    el("strong", {}, plain(clinician)), " · ",
    t("people.far.until", { time: timeText(until, { zone: true }), by: by.join(", ") }), " · ",
    bed === null ? t("people.far.all") : placeName(bed),
    viewers === null ? null : [" · ", t(viewers > 0 ? "people.far.looks" : "people.far.looksNot")],
  ]
}

export function consultation(dialog, { number = null }) {
  const open = store.picture?.consultations ?? []
  const one = open.find((each) => each.consultation === number)
  if (one !== undefined) closing(dialog, one)
  else choosing(dialog, open)
}

function choosing(dialog, open) {
  const rows = open.map((each) =>
    el("li", {}, el("span", {}, consultationLine(each)), button("people.far.close", () => {
      fillWith(dialog.body)
      closing(dialog, each)
      dialog.focus()
    })))
  const list = actForm({
    dialog, fields: el("p", { t: "people.far.note" }), submit: "people.far.list", doubt: "people.doubt.look",
    line: () => ({ ask: "consultations" }),
    done: (answer) => {
      fillWith(dialog.body)
      if (answer.isListening === false) dialog.body.append(el("p", { t: "people.far.off" }))
      else opening(dialog, answer.clinicians ?? [])
      dialog.focus()
      return null
    },
  })
  dialog.body.append(el("ul.consultations", {}, rows), list)
}

function opening(dialog, clinicians) {
  if (clinicians.length === 0) {
    dialog.body.append(el("p", { t: "people.far.nobody" }))
    return
  }
  const names = clinicians.map(({ clinician, name }) => ({ value: clinician, text: plain(name || clinician) }))
  const who = choice({ legend: t("people.far.who"), options: names })
  const beds = [...(store.beds?.keys() ?? [])].map((bed) => ({ value: bed, text: plain(placeName(bed)) }))
  const where = choice({
    legend: t("people.far.where"), columns: true,
    options: [{ value: "", text: t("people.far.all"), checked: true }, ...beds],
  })
  const length = choice({
    legend: t("people.far.length"), columns: true,
    options: LENGTHS.map((minutes) => ({
      value: String(minutes), text: t("people.far.minutes", { minutes }), checked: minutes === 60,
    })),
  })
  const line = () => ({
    ask: "openConsultation", clinician: who.value(), seconds: Number(length.value()) * 60,
    ...(where.value() === "" ? {} : { bed: where.value() }),
  })
  dialog.body.append(
    actForm({
      dialog, fields: [el("p.note", { t: "people.far.note" }), who.box, where.box, length.box],
      submit: "people.far.open", doubt: "people.doubt.far", line, done: answered("people.far.opened"),
    }))
}

function closing(dialog, one) {
  dialog.body.append(
    actForm({
      dialog, fields: el("p.about", {}, consultationLine(one)), submit: "people.far.close", doubt: "people.doubt.far",
      line: () => ({ ask: "closeConsultation", number: one.consultation }), done: answered("people.far.closed"),
    }))
}
