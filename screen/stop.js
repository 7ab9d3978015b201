// STOP: two touches from anywhere, nobody signs in, and both answers are told.

import { store } from "./store.js"
import { num, plain, t } from "./words.js"
import { say, STOP_PATIENCE } from "./ask.js"
import { el, fillWith } from "./parts.js"
import { explained } from "./acts.js"
import { placeName } from "./alarm-words.js"
import { credential } from "./signin.js"

/** So long is waited before it is said that nobody has answered, and before it may be asked again. Unit: ms. */
const SILENT = 1_000
const AGAIN = 3_000

/** Every pump of the unit as this screen knows them; that of `first` before the others. */
function pumps(first) {
  const all = [...(store.devices?.values() ?? [])].filter((device) => device.isPump)
  return all.sort((one, other) => Number(other.device === first) - Number(one.device === first))
}

const part = (state, key, ...more) => el(`p.stop-${state}`, {}, el("strong", { t: key }), ...more)

/**
 * One pump and its STOP. A press is one request: while nobody has answered, nor been silent for `AGAIN`, it is deaf.
 */
function stopRow({ device, bed }) {
  const state = el("div.stop-state", { role: "alert" })
  const name = [plain(placeName(bed)), " · ", num(device)]
  const words = [el("strong", { t: "stop.do" }), " ", ...name]
  const press = el("button.key.stop.large", { type: "button", click: () => act() }, words)
  const isDeaf = () => press.getAttribute("aria-disabled") === "true"
  const act = async () => {
    if (isDeaf()) return
    press.setAttribute("aria-disabled", "true")
    const hear = () => press.removeAttribute("aria-disabled")
    fillWith(state, part("asking", "stop.asking"))
    let isHeard = false
    const silent = setTimeout(() => fillWith(state, part("unproven", "stop.silent")), SILENT)
    const again = setTimeout(hear, AGAIN)
    const onAnswer = (answer) => {
      isHeard = true
      clearTimeout(silent)
      hear()
      tell(state, answer)
    }
    const by = credential()
    const line = { ask: "stop", device, ...(by ? { by } : {}) }
    const outcome = await say(line, { onAnswer, patience: STOP_PATIENCE })
    clearTimeout(silent)
    clearTimeout(again)
    hear()
    if (outcome.is === "done") tell(state, outcome.answer)
    else fillWith(state, part("unproven", isHeard ? "stop.unproven" : "stop.unknown"), ...explained(outcome))
  }
  return el("li", {}, press, state)
}

/** Both things that are known of a stop: whether the pump's line was told, and whether it shows that it stands. */
function tell(state, { asked, proven, words = "" }) {
  const said = el("p.said", { lang: "en", dir: "ltr" }, words)
  const first = asked === true ? part("asked", "stop.asked") : part("unproven", "stop.notAsked")
  const following = asked === true ? part("asking", "stop.following") : null
  const known = proven === true ? part("proven", "stop.proven") : part("unproven", "stop.unproven")
  fillWith(state, first, typeof proven === "boolean" ? known : following, said)
}

export function stop(dialog, { device = null }) {
  const rows = pumps(device).map(stopRow)
  dialog.body.append(
    el("p.note", { t: "stop.key" }),
    rows.length > 0 ? el("ul.stops", {}, rows) : el("p", { t: "stop.none" }))
}

/** Whether there is a pump whose STOP can be offered. */
export const hasPumps = () => pumps(null).length > 0
