// What somebody asks of the host, said once, and what becomes of it.

/** How long an answer may take. Unit: ms. The host gives its command path 30 s. */
export const PATIENCE = 45_000
/** A stop is followed until it is known: 15 s at the host, and a little for the way. Unit: ms. */
export const STOP_PATIENCE = 17_000
/** An answer is at most so long at the host. Unit: characters. */
const LONGEST = 1 << 20
/** Of the line's form. */
const VERSION = 1

/**
 * What became of something that was asked.
 *
 * `is`:
 * - `done`: `answer`, as the host tells it.
 * - `refused`: nothing was done; `code`, `words` and perhaps `number` of the command in the way.
 * - `notAsked`: it never reached the host; `code`, `words` where the console gave any.
 * - `unknown`: it may have been done, and nobody can say; `answer` holds what was heard before, or `null`.
 */
export const OUTCOMES = ["done", "refused", "notAsked", "unknown"]

/** Whether an answer is the last one of its line: a stop is answered twice. */
const isLast = (answer) => answer.answer !== "stop" || typeof answer.proven === "boolean" || answer.asked !== true

/** A whole line as an answer; `null` where it is none. */
function parsed(line) {
  try {
    const answer = JSON.parse(line)
    return answer !== null && typeof answer === "object" && typeof answer.answer === "string" ? answer : null
  } catch {
    return null
  }
}

/**
 * What a console says that did not hand the line on.
 *
 * 409: it had this very press before, since browsers say a POST again by themselves where a connection breaks. That
 * one may have been done, and so may what ended in any other error of the server's.
 */
async function refusedByConsole(response) {
  let told = {}
  try {
    told = (await response.json()) ?? {}
  } catch {
    // It says nothing that can be read: the status is all there is.
  }
  const { status } = response
  const isUndone = (status >= 400 && status < 500 && status !== 409) || status === 503
  const code = typeof told.code === "string" ? told.code : ""
  const words = typeof told.failure === "string" ? told.failure : ""
  return isUndone ? { is: "notAsked", code, words } : { is: "unknown", answer: null }
}

/** Whole lines of a body, as they come; what comes behind the last line feed is no line. */
async function* wholeLines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      rest += value
      if (rest.length > LONGEST) return
      const lines = rest.split("\n")
      rest = lines.pop()
      yield* lines
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

function outcome(last) {
  if (last === null) return { is: "unknown", answer: null }
  if (last.answer === "refused") {
    const { code = "", words = "", number = null } = last
    // The host asked, and heard nothing: that is no refusal.
    return code === "noAnswer" ? { is: "unknown", answer: last } : { is: "refused", code, words, number }
  }
  return isLast(last) ? { is: "done", answer: last } : { is: "unknown", answer: last }
}

/**
 * Says one line, once: it is never said again by itself, whatever becomes of it.
 *
 * @param line what is asked, without its version.
 * @param onAnswer called with each answer but the last.
 * @returns one of `OUTCOMES`; it does not throw.
 */
export async function say(line, { onAnswer = () => {}, patience = PATIENCE } = {}) {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), patience)
  let last = null
  try {
    const response = await fetch("/ask", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-Nabd-Ask": "1",
        // A browser repeats a POST by itself on a connection that was kept; the console takes each press once.
        "X-Nabd-Once": crypto.randomUUID(),
      },
      body: JSON.stringify({ desk: VERSION, ...line }),
      signal: late.signal,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
    })
    if (response.status !== 200) return await refusedByConsole(response)
    for await (const text of wholeLines(response.body)) {
      const answer = parsed(text)
      if (answer === null) break
      last = answer
      if (isLast(answer)) break
      onAnswer(answer)
    }
  } catch {
    // Broken off, or not answered in time: what was heard is all that is known.
  } finally {
    clearTimeout(timer)
  }
  return outcome(last)
}

/**
 * Has a press act once: the control does nothing more until the act has ended.
 *
 * @param control a button or form whose `aria-busy` says that it waits.
 * @param act returns a promise.
 */
export async function once(control, act) {
  if (control.getAttribute("aria-busy") === "true") return
  control.setAttribute("aria-busy", "true")
  const buttons = control.matches("button") ? [control] : [...control.querySelectorAll("button[type=submit]")]
  for (const button of buttons) button.disabled = true
  try {
    await act()
  } finally {
    control.removeAttribute("aria-busy")
    for (const button of buttons) button.disabled = false
  }
}
