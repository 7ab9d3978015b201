// Which pulses an alarm sounds, by its priority. Plain pulses: no melodies.
// Bounds (docs/alarms/screen.md): a pulse of 150-1000 Hz, at least four harmonics between 300 and 4000 Hz within 15 dB
// of it; high 10 pulses, 3 + 2 twice, again after 2.5-15 s; medium 3, again after 2.5-30 s; low 1 or 2, after 15 s.

/** Of the pulses' fundamental. Unit: Hz. */
export const FUNDAMENTAL = 440
/** Amplitudes of the fundamental and its harmonics: 440 to 2640 Hz, the last one 6 dB below the first. */
export const PARTIALS = [1, 0.9, 0.8, 0.7, 0.6, 0.5]
/** How long a pulse takes to rise, and to fall. Unit: s. */
const EDGE = 0.02

/**
 * A burst: when its pulses begin, how long each is, its length, and the pause behind it. Unit: s.
 * `louder` is of one that nobody has answered: its pause is shorter, and it is louder. `again` null: it comes once.
 */
export const TONES = {
  high: {
    starts: [0, 0.25, 0.5, 0.85, 1.1, 1.9, 2.15, 2.4, 2.75, 3.0],
    pulse: 0.15, length: 3.15, again: 5, louder: 2.5, gain: 0.6,
  },
  medium: { starts: [0, 0.4, 0.8], pulse: 0.2, length: 1.0, again: 8, louder: 4, gain: 0.5 },
  low: { starts: [0, 0.5], pulse: 0.2, length: 0.7, again: 25, louder: 25, gain: 0.35 },
  // What was silenced is not forgotten: one soft pulse.
  reminder: { starts: [0], pulse: 0.1, length: 0.1, again: 30, louder: 30, gain: 0.2 },
}
const LOUD = 0.95

/** The wave of a pulse, in a context. */
export function wave(context) {
  const sines = new Float32Array([0, ...PARTIALS])
  return context.createPeriodicWave(new Float32Array(sines.length), sines)
}

/**
 * Has a burst sound from a moment of the context's clock on.
 *
 * @returns a function that silences it at once.
 */
export function burst(context, tone, at, { isLouder = false } = {}) {
  const oscillator = new OscillatorNode(context, { frequency: FUNDAMENTAL, periodicWave: wave(context) })
  const gain = new GainNode(context, { gain: 0 })
  const height = isLouder ? LOUD : tone.gain
  for (const start of tone.starts) {
    gain.gain.setValueAtTime(0, at + start)
    gain.gain.linearRampToValueAtTime(height, at + start + EDGE)
    gain.gain.setValueAtTime(height, at + start + tone.pulse - EDGE)
    gain.gain.linearRampToValueAtTime(0, at + start + tone.pulse)
  }
  oscillator.connect(gain).connect(context.destination)
  oscillator.start(at)
  oscillator.stop(at + tone.length + EDGE)
  return () => {
    gain.gain.cancelScheduledValues(0)
    gain.disconnect()
  }
}

/** The burst of a priority as samples, for whoever checks it. Unit of the rate: Hz. */
export async function rendered(priority, rate = 48_000) {
  const tone = TONES[priority]
  const context = new OfflineAudioContext(1, Math.ceil(rate * (tone.length + 0.1)), rate)
  burst(context, tone, 0)
  return (await context.startRendering()).getChannelData(0)
}
