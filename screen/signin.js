// Who is signed in at this screen, in the page's memory and nowhere else; and the patients' names that it was told.

import { store } from "./store.js"

/** After so long without a touch or a key everything is forgotten. Unit: ms. */
export const IDLE = 120_000

/** Nobody, or one who chose to stay: with id and secret. */
let state = { is: "nobody" }
/** By bed, what its patient is told by, for as long as this screen is not locked. */
let patients = new Map()
/** Runs while there is anything that a lock would forget, a form that is open included. */
let timer = null
const onLock = new Set()
let locks = 0

const changed = () => store.dispatchEvent(new Event("people"))

/** Who stays signed in: the id, or null. */
export const staying = () => (state.is === "staying" ? state.id : null)

/** Id and secret of whoever stays signed in, for one line; or null. */
export const credential = () => (state.is === "staying" ? { id: state.id, secret: state.secret } : null)

/** Whether something is kept here that a lock would forget. */
export const holdsSomething = () => timer !== null

/** Another one after each lock: what was asked before it is of people whom this screen has forgotten. */
export const epoch = () => locks

/** Keeps who this is for a while. */
export function stay({ id, secret }) {
  state = { is: "staying", id, secret }
  rest()
  changed()
}

/** Keeps the patients' names of a list of beds that a clinician was told. */
export function keepPatients(beds) {
  for (const { bed, patient } of beds) {
    if (patient?.identifiers) patients.set(bed, { binding: patient.binding, identifiers: patient.identifiers })
    else patients.delete(bed)
  }
  rest()
  changed()
}

/**
 * What the patient of a bed is told by (`mrn`, `name` …), where this screen may show it; else null.
 *
 * Only of the binding that stands now: a patient who left takes the name along.
 */
export function patientOf(bed) {
  const known = patients.get(bed)
  if (known === undefined || store.beds?.get(bed)?.patient?.binding !== known.binding) return null
  return known.identifiers
}

/** What is done when this screen is locked. */
export const whenLocked = (act) => onLock.add(act)

/** Forgets who is signed in, every name and whatever was being entered. Values and alarms stay. */
export function lock() {
  clearTimeout(timer)
  timer = null
  locks += 1
  state = { is: "nobody" }
  patients = new Map()
  for (const act of onLock) act()
  changed()
}

/** Forgets who is signed in, for instance since the secret is not right any more. */
export function signOut() {
  state = { is: "nobody" }
  changed()
}

/** Somebody is there: the time without anybody begins anew. */
export function rest() {
  clearTimeout(timer)
  timer = setTimeout(lock, IDLE)
}

for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, () => holdsSomething() && rest(), { capture: true, passive: true })
}
