import { codeOf, type ErrorCode, messageOf, NodeError } from '../../errors.ts'

/** What a failed request answers, as `application/problem+json`. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly next?: string
  readonly details?: Readonly<Record<string, unknown>>
}

const statuses: readonly (readonly [prefix: string, status: number])[] = [
  ['BAD_CONFIG', 400],
  ['BAD_MESSAGE', 400],
  ['NOTHING_MATCHED', 404],
  ['REFUSED', 403],
  ['PEER', 502],
  ['CHAIN', 502],
]

/** The HTTP status and body of anything thrown; what was not foreseen shows no more than its message. */
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
