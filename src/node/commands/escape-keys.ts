/** What was typed, less what is meant for the terminal's own end. */
export interface Typed {
  /** For the remote program. */
  readonly pass: Uint8Array
  /** `~.` was typed: leave. What follows it is not for the remote. */
  readonly leave: boolean
  /** `~?` was typed: tell the escapes. */
  readonly help: boolean
}

const [TILDE, DOT, QUESTION, RETURN, NEWLINE] = [0x7e, 0x2e, 0x3f, 0x0d, 0x0a]

/**
 * The escapes of ssh, at the beginning of a line: `~.` leaves, `~~` is one tilde, `~?` tells the escapes. A tilde there
 * waits for the next key; any other key after it passes with it.
 */
export function createEscapeKeys(): (data: Uint8Array) => Typed {
  let atLineStart = true
  let tilde = false
  return (data) => {
    if (!tilde && !data.includes(TILDE)) {
      const last = data.at(-1)
      if (last !== undefined) atLineStart = last === RETURN || last === NEWLINE
      return { pass: data, leave: false, help: false }
    }
    const pass: number[] = []
    let help = false
    for (const byte of data) {
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
