// A pump's command, and a pump, in words.

import { num, plain, t } from "./words.js"
import { el } from "./parts.js"

/** Of a draft, and of what too few have entered, nothing of what was entered is shown, whatever the host tells. */
const isBlind = ({ stage, people, needed }) => stage === "draft" || !(people >= needed)

const quantity = ({ name, quantity: text, unit }) =>
  el("div", {}, el("dt", {}, plain(name)), el("dd", {}, num(text), " ", num(unit)))

const reading = ({ field, value, unit = null }) =>
  el("div", {}, el("dt", {}, plain(field)), el("dd", {}, num(value), unit === null ? null : [" ", num(unit)]))

/** Ends before anything was intended, as the host says them. */
const VOID = ["withdrawn", "expired", "restarted", "mismatched", "changed", "refused", "stopped"]
const isUnsent = (end) => VOID.includes(end) || end.startsWith("notSent: ")

/** What a command came to: "done" or "refused" where its end proves that; all else is "unknown". */
export function endOf({ stage, end = null }) {
  if (stage !== "ended" || end === null) return "unknown"
  if (end === "confirmed" || end === "resolved: inEffect") return "done"
  // People who say that it is not in effect now do not prove that nothing was done before.
  return end === "rejected" || end === "notInEffect" || isUnsent(end) ? "refused" : "unknown"
}

/** Where a command stands: one sentence. */
export function stageWords({ stage, people, needed, end = null }) {
  if (stage === "draft") return t("pumps.stage.draft", { people, needed })
  if (stage !== "ended") return t(`pumps.stage.${stage}`)
  const known = [
    "confirmed", "rejected", "notInEffect", "withdrawn", "changed", "resolved: inEffect", "resolved: notInEffect",
  ]
  if (known.includes(end)) return t(`pumps.end.${end}`)
  return t(end !== null && isUnsent(end) ? "pumps.end.unsent" : "pumps.end.other", { end: end ?? "?" })
}

/** Whether somebody must look at the pump since nobody knows what it does. */
export const isUncertain = (view) => view.stage === "uncertain"

const showed = (key, readings) =>
  readings.length > 0 ? [el("p", { t: key }), el("dl.quantities", {}, readings.map(reading))] : null

export function commandView(view) {
  const { number, device, command, entries = null, atEntry = [], readings = [], waitsFor = null } = view
  const shown = isBlind(view)
    ? el("p.note", { t: "pumps.blind" })
    : el("dl.quantities", {}, (entries ?? []).map(quantity))
  return el(
    `section.command.${view.stage}`, { "data-command": number },
    el("h3", {}, t("pumps.command", { number }), " · ", num(device), " · ", num(command)), shown,
    el("p.stage", {}, stageWords(view)),
    showed("pumps.showedAtEntry", atEntry), showed("pumps.showed", readings),
    waitsFor === null ? null : el("p.said", { lang: "en", dir: "ltr" }, plain(waitsFor)))
}

/** What is to be known of a pump before it is commanded. */
export function pumpFacts({ model, line, isDriven, stop = null, mustBeLookedAt, isLocked }) {
  const facts = []
  if (!isDriven) facts.push("pumps.readOnly")
  if (stop === "notDelivered") facts.push("stop.unproven")
  else if (stop !== null) facts.push("stop.following")
  if (mustBeLookedAt) facts.push("pumps.mustBeLookedAt")
  if (isLocked) facts.push("pumps.locked")
  return [
    el("p", {}, plain(model), " · ", num(line)),
    facts.map((key) => el("p.warning", {}, el("span", { "aria-hidden": "true" }, "⚠ "), el("strong", { t: key }))),
  ]
}

/** The bytes of a preview in pairs. */
export const bytesText = (hexadecimal) => (hexadecimal.match(/../g) ?? []).join(" ").toUpperCase()
