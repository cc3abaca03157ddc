/** What was typed, less what is meant for the terminal's own end. */
export interface Typed {
  /** For the remote program. */
  readonly pass: Uint8Array
  /** `~.` was typed: leave. What follows it is not for the remote. */
  readonly leave: boolean
  /** `~?` was typed: tell the escapes. */
  readonly help: boolean
}

const [TILDE, DOT, QUESTION, RETURN, NEWLINE, ESCAPE] = [0x7e, 0x2e, 0x3f, 0x0d, 0x0a, 0x1b]

/**
 * What a terminal answers by itself when a program asks it (where the cursor is, what it is): `CSI … R`, `CSI … c`,
 * `CSI … n`. A shell that asks at each prompt, as busybox's does, would otherwise end the beginning of the line.
 */
const ANSWER = /^\[\??[\d;]+[Rcn]/

const LONGEST_ANSWER = 64

/** How many bytes the terminal said by itself, from the escape at `at` on; 0 where that is a key. */
function answerLength(data: Uint8Array, at: number): number {
  const said = Buffer.from(data.subarray(at + 1, at + LONGEST_ANSWER)).toString('latin1')
  const answer = ANSWER.exec(said)
  return answer === null ? 0 : 1 + answer[0].length
}

/**
 * The escapes of ssh, at the beginning of a line: `~.` leaves, `~~` is one tilde, `~?` tells the escapes. A tilde there
 * waits for the next key; any other key after it passes with it. Answers of the terminal pass and are no keys.
 */
export function createEscapeKeys(): (data: Uint8Array) => Typed {
  let atLineStart = true
  let tilde = false
  return (data) => {
    if (!tilde && !data.includes(TILDE) && !data.includes(ESCAPE)) {
      const last = data.at(-1)
      if (last !== undefined) atLineStart = last === RETURN || last === NEWLINE
      return { pass: data, leave: false, help: false }
    }
    const pass: number[] = []
    let help = false
    for (let at = 0; at < data.length; at++) {
      const byte = data[at]!
      const answered = byte === ESCAPE ? answerLength(data, at) : 0
      if (answered > 0) {
        pass.push(...data.subarray(at, at + answered))
        at += answered - 1
        continue
      }
      if (tilde) {
        tilde = false
        if (byte === DOT) return { pass: Uint8Array.from(pass), leave: true, help }
        if (byte === QUESTION) {
          help = true
          continue // still at the beginning of a line
        }
        pass.push(TILDE)
        if (byte === TILDE) {
          atLineStart = false
          continue
        }
      } else if (byte === TILDE && atLineStart) {
        tilde = true
        continue
      }
      pass.push(byte)
      atLineStart = byte === RETURN || byte === NEWLINE
    }
    return { pass: Uint8Array.from(pass), leave: false, help }
  }
}
