// An alarm as a chip that is pressed. alarms.css gives its signal, by its priority and by how it is given.

import { signal } from "./alarm-rules.js"
import { cause, priority, shortStates } from "./alarm-words.js"
import { made, setState } from "./dom.js"
import { store } from "./store.js"
import { language } from "./words.js"

/** One chip. It stays the same element whatever its alarm comes to, so that a focus or a press upon it is not lost. */
export class AlarmChip {
  #shown = undefined

  /** @param press called with the alarm that the chip shows then */
  constructor(press) {
    this.element = made("button", { type: "button", class: "alarm", click: () => press(this.alarm) })
  }

  /** Shows an alarm. */
  update(alarm) {
    this.alarm = alarm
    const now = store.now()
    const states = shortStates(alarm, now).join(" · ")
    const shown = JSON.stringify([alarm.priority, alarm.text, alarm.textArabic, alarm.alert, states, language()])
    setState(this.element, "data-priority", ["high", "medium"].includes(alarm.priority) ? alarm.priority : "low")
    setState(this.element, "data-signal", signal(alarm, now.mono))
    if (shown === this.#shown) return
    this.#shown = shown
    const words = [priority(alarm), made("span", { class: "cause" }, cause(alarm))]
    if (states) words.push(made("span", { class: "state" }, states))
    this.element.replaceChildren(...words)
  }
}
