// What people do at this screen: one dialog for each act, all through the host's people's way in.

import { inLanguage, t } from "./words.js"
import { button, el, fillWith } from "./parts.js"
import { openDialog } from "./dialog.js"
import { keepPatients, lock, patientOf, staying } from "./signin.js"
import { actForm } from "./acts.js"
import { acknowledge, pause, switchOff, switchOn } from "./people-alarms.js"
import { bind, choosePreset, enter, replace, unbind, withdraw } from "./people-beds.js"
import { consultation, isFar } from "./people-far.js"
import { pump, stop } from "./pumps.js"

export { lock, patientOf, staying }

/** Signs in to stay, which is proven by a list of the beds: to a clinician it says who is there. */
function patients(dialog) {
  const shown = (answer) => {
    keepPatients(answer.beds ?? [])
    const rows = (answer.beds ?? []).map((bed) => patientRow(bed))
    fillWith(
      dialog.body, el("p", { t: "people.patients.until" }), el("dl.patients", {}, rows),
      el("div.buttons", {}, button("people.lock", lock), button("people.close", dialog.close)))
    dialog.focus()
    return null
  }
  const form = actForm({
    dialog, fields: el("p", { t: "people.patients.why" }), submit: "people.patients.show",
    line: () => ({ ask: "beds" }), doubt: "people.doubt.look", done: shown,
  })
  dialog.body.append(form)
}

/** What a patient is told by, as it was typed, for whoever compares it with the wristband. */
export function identifierRows(identifiers) {
  return Object.entries(identifiers).map(([kind, text]) =>
    el("div", {}, el("span.kind", { t: `people.kind.${kind}` }), ": ", el("bdi", {}, text)))
}

function patientRow({ bed, name, nameArabic, patient }) {
  const who = patient?.identifiers ? identifierRows(patient.identifiers) : [t(patientKey(patient))]
  return [el("dt", {}, bedName({ bed, name, nameArabic })), el("dd", {}, who)]
}

const patientKey = (patient) => (patient ? "people.patients.unknown" : "people.patients.nobody")

const bedName = ({ bed, name, nameArabic }) => inLanguage(name, nameArabic) || bed

const ACTIONS = {
  acknowledge, pause, bind, unbind, withdraw, replace, enter, pump, stop, consultation, patients,
  preset: choosePreset, "switch-off": switchOff, "switch-on": switchOn,
}

/** What can be done here, by its name. */
export const actions = Object.keys(ACTIONS)

/**
 * Opens the dialog of an act.
 *
 * @param params `bed`, `device`, `instances`, `alarm`, `number`: what the act is about, as far as it is known.
 */
export function openPeople(action, params = {}) {
  const act = ACTIONS[action]
  if (act === undefined) throw new RangeError(`there is no act “${action}”`)
  const isStop = action === "stop"
  const dialog = openDialog({
    title: t(`people.title.${action}`), name: action, holdsNobody: isStop,
    stop: isStop || isFar() ? null : () => openPeople("stop"),
  })
  if (isFar()) dialog.body.append(el("p", { t: "people.far.readOnly" }))
  else act(dialog, params)
  // A key that is still down must not stop the first pump of the list: STOP's dialog keeps the focus on its title.
  if (!isStop) dialog.focus()
  return dialog
}
