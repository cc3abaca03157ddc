/** Whose fault it was, or what kind of outcome it is; a code is one of these followed by `_…`, or the word alone. */
export type Fault =
  | 'BAD_CONFIG'
  | 'BAD_MESSAGE'
  | 'NOTHING_MATCHED'
  | 'REFUSED'
  | 'PEER'
  | 'ENGINE'
  | 'GPU'
  | 'CHAIN'
  | 'STORE'
  | 'FAILED'

export type ErrorCode = Fault | `${Fault}_${string}`

export interface ErrorDetails {
  /** What went wrong underneath; kept for debugging, never shown to a peer. */
  cause?: unknown
  /** The next step for the reader, as a command or an imperative sentence. */
  next?: string
  [key: string]: unknown
}

/**
 * An expected failure: `code` is for programs, `message` for people, `next` says what to do, `cause` is for
 * debugging. Codes start with the party at fault (DESIGN.md, "What bad input, faults and attackers get").
 */
export class NodeError extends Error {
  override readonly name = 'NodeError'
  readonly code: ErrorCode
  readonly next: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { cause, next, ...rest } = details
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.next = next
    this.details = rest
  }
}

/** The text of anything thrown, for a log line or a person. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)

/** The code of anything thrown: a NodeError's own, else `FAILED`. */
export const codeOf = (error: unknown): ErrorCode =>
  error instanceof NodeError ? error.code : 'FAILED'
