// A form that asks the host for one act: who asks, what is asked, and what becomes of it.

import { language, t } from "./words.js"
import { once, say } from "./ask.js"
import { button, el, field, fillWith } from "./parts.js"
import { told } from "./dialog.js"
import { credential, epoch, signOut, stay, staying } from "./signin.js"

/** A key of words that the language may not have; null where it has none. */
function wordsOf(key) {
  const words = t(key)
  return words === key ? null : words
}

/** What the host said, as it said it: it speaks English. */
const asSaid = (words) => (words ? el("p.said", { lang: "en", dir: "ltr" }, words) : null)

/** What a refusal or an outcome means, in the language of the screen, and as the host said it. */
export function explained(outcome) {
  const { is, code = "", words = "" } = outcome.is === "unknown" ? (outcome.answer ?? {}) : outcome
  const isArabic = language() === "ar"
  const own = is === "notAsked" ? t("people.notAsked") : null
  const known = isArabic ? (wordsOf(`people.refusal.${code}`) ?? (words ? t("people.refusal") : null)) : null
  const number = outcome.number ? t("people.seeCommand", { number: outcome.number }) : null
  return [own, known, number].filter(Boolean).map((text) => el("p", {}, text)).concat(asSaid(words) ?? [])
}

/** What is known of an act that may have been done: never more than that. */
export const inDoubt = (key, outcome) => [el("p", {}, t(key)), ...explained(outcome)]

/**
 * Id and secret: asked for each act, unless whoever it is stays signed in.
 *
 * @param isAnew whether it is asked for in any case: two people at one screen each say who they are.
 */
export function signIn({ isAnew = false, legend = t("people.signIn") } = {}) {
  const box = el("fieldset.sign-in", {}, el("legend", {}, legend))
  let id = null
  let secret = null
  let stays = null
  const askAnew = () => {
    id = field({ label: "people.id", dir: "ltr", autocapitalize: "none", required: true, maxlength: 32, name: "id" })
    secret = field({
      label: "people.secret", type: "password", dir: "ltr", required: true, maxlength: 200, name: "secret",
      autocomplete: "new-password",
    })
    stays = el("input", { type: "checkbox", id: `${secret.input.id}-stay` })
    const staysRow = el("div.option", {}, stays, el("label", { for: stays.id, t: "people.stay" }))
    fillWith(box, el("legend", {}, legend), id.row, secret.row, isAnew ? null : staysRow)
  }
  const another = () => {
    signOut()
    askAnew()
    id.input.focus()
  }
  if (staying() === null || isAnew) askAnew()
  else box.append(el("p", { t: "people.staying", values: { id: staying() } }), button("people.another", another))
  return {
    box,
    /** The credential, for one line. */
    read: () => (id === null ? credential() : { id: id.input.value, secret: secret.input.value }),
    /** After an answer the secret is gone from the page. `proof`: "right", "wrong", or "unknown". */
    clear: (proof, used) => {
      if (id === null && proof === "wrong") another()
      if (id === null) return
      secret.input.value = ""
      if (proof === "right" && stays.checked && !isAnew) stay(used)
    },
  }
}

/** What an outcome says of the secret. */
function proven({ is, code }) {
  if (is === "refused" && code === "signIn") return "wrong"
  // Other refusals may come before the host looked at the secret: of a line it cannot take, or of one too many.
  return is === "done" || (is === "refused" && code === "role") ? "right" : "unknown"
}

/**
 * A form for one act.
 *
 * @param dialog where it stands.
 * @param fields what is entered, above the sign-in.
 * @param submit key of its button's words.
 * @param isAnew whether everybody says anew who they are.
 * @param second key of the second person's legend, where two say it together.
 * @param line gives what is asked, without people; null: something is missing yet.
 * @param doubt key of what is to be done where it is not known what was done.
 * @param done gives the nodes that tell of an answer, by whom it was asked; null where it shows it itself.
 * @param preview `{ key, line, told }`: what can be asked before, by the same people, and changes nothing.
 */
export function actForm(given) {
  const { dialog, fields, submit, isAnew = false, second = null, line, doubt, done, danger = false } = given
  const first = signIn({ isAnew })
  const other = second === null ? null : signIn({ isAnew: true, legend: t(second) })
  const outcomes = el("div.outcomes")
  const form = el(
    "form.act", { autocomplete: "off" }, fields, first.box, other?.box ?? null, outcomes,
    el("div.buttons", {}, el(`button.key.${danger ? "danger" : "go"}`, { type: "submit", t: submit })))
  if (given.preview) form.lastChild.prepend(previewButton(given.preview, { form, first, outcomes }))
  const asked = async () => {
    const entered = line()
    const by = first.read()
    if (entered === null || by === null) return
    const people = other === null ? { by } : { by, second: other.read() }
    fillWith(outcomes, el("p.waiting", { role: "status", t: "people.waiting" }))
    const before = epoch()
    const outcome = await say({ ...entered, ...people })
    if (epoch() !== before) return tellOnly(outcome, { dialog, doubt })
    const proof = proven(outcome)
    first.clear(proof, by)
    other?.clear(proof, people.second)
    return show(outcome, { dialog, form, outcomes, doubt, done: (answer) => done(answer, by) })
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    once(form, asked)
  })
  return form
}

/** Asks what can be asked without changing anything; what was entered stays. */
function previewButton({ key, line, told: shown }, { form, first, outcomes }) {
  const act = async () => {
    if (!form.reportValidity()) return
    const before = epoch()
    const entered = line()
    const outcome = await say({ ...entered, by: first.read() })
    if (epoch() !== before || JSON.stringify(line()) !== JSON.stringify(entered)) return
    if (outcome.is === "done") shown(outcome.answer)
    else fillWith(outcomes, told("refused", ...explained(outcome)))
  }
  return button(key, (event) => once(event.currentTarget, act))
}

/** After a lock nothing of an answer is kept or shown but what became of the act: neither who asked, nor any name. */
function tellOnly({ is }, { dialog, doubt }) {
  const isUndone = is === "refused" || is === "notAsked"
  dialog.tellAlways(is === "unknown" ? t(doubt) : t(`people.told.${isUndone ? "refused" : "done"}`))
}

/** What became of it: a refusal leaves the form, everything else ends it. It is never asked again by itself. */
function show(outcome, { dialog, form, outcomes, doubt, done }) {
  const end = (box) => {
    for (const input of form.querySelectorAll("input")) input.value = ""
    form.replaceWith(box, el("div.buttons", {}, button("people.close", () => dialog.close())))
    box.parentElement?.querySelector(".buttons button:last-child")?.focus()
  }
  switch (outcome.is) {
    case "done": {
      const { words = "" } = outcome.answer
      const nodes = done(outcome.answer)
      if (nodes !== null) end(told("done", ...nodes, asSaid(words)))
      break
    }
    case "unknown":
      dialog.tellAlways(t(doubt))
      end(told("unknown", ...inDoubt(doubt, outcome)))
      break
    default:
      fillWith(outcomes, told("refused", ...explained(outcome)))
      if (!dialog.isOpen()) dialog.tell(outcome.words || t("people.told.refused"))
  }
}
