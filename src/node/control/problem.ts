import type { ProblemDocument } from '../../api/problem.ts'
import { codeOf, type ErrorCode, messageOf, NodeError } from '../../errors.ts'

/** What became of something that failed: of one part of an answer, or the last word of a socket. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly next?: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** The first that fits counts. */
const statuses: readonly (readonly [prefix: string, status: number])[] = [
  ['REFUSED_CREDENTIAL', 401],
  ['REFUSED_ATTEMPTS', 429],
  ['REFUSED_BUSY', 429],
  ['BAD_MESSAGE_SIZE', 413],
  ['BAD_MESSAGE_IDEMPOTENCY', 422],
  ['BAD_CONFIG', 400],
  ['BAD_MESSAGE', 400],
  ['NOTHING_MATCHED', 404],
  ['REFUSED', 403],
  ['PEER', 502],
  ['CHAIN', 502],
]

/** The HTTP status and the short form of anything thrown; what was not foreseen shows no more than its message. */
export function problemOf(error: unknown): { status: number; body: Problem } {
  const code = codeOf(error)
  if (error instanceof NodeError) {
    const status = statuses.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 500
    const { message, next, details } = error
    return {
      status,
      body: {
        code,
        message,
        ...(next === undefined ? {} : { next }),
        ...(Object.keys(details).length === 0 ? {} : { details }),
      },
    }
  }
  const { statusCode } = error as { statusCode?: unknown } // what Fastify itself refuses
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, body: { code: 'BAD_MESSAGE', message: messageOf(error) } }
  }
  return { status: 500, body: { code, message: messageOf(error) } }
}

/** What a failed request answers as `application/problem+json`. */
export function problemDocument(error: unknown): ProblemDocument {
  const { status, body } = problemOf(error)
  const { code, message, next, details } = body
  return {
    type: `urn:compute-node:problem:${code}`,
    title: code.toLowerCase().replaceAll('_', ' '),
    status,
    detail: message,
    code,
    message,
    ...(next === undefined ? {} : { next }),
    ...(details === undefined ? {} : { details }),
  }
}

/** The error that a problem tells of; undefined when the body is none. */
export function errorOf(body: unknown): NodeError | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { code, message, next, details } = body as Partial<Problem>
  if (typeof code !== 'string' || typeof message !== 'string') return undefined
  return new NodeError(code as ErrorCode, message, {
    ...details,
    ...(typeof next === 'string' ? { next } : {}),
  })
}
