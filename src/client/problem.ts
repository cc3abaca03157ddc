import { type ErrorCode, NodeError } from '../errors.ts'

/** The error that a node's `application/problem+json` tells of; undefined when the value is none. */
export function errorOf(problem: unknown): NodeError | undefined {
  if (typeof problem !== 'object' || problem === null) return undefined
  const { code, message, next, details } = problem as Readonly<Record<string, unknown>>
  if (typeof code !== 'string' || typeof message !== 'string') return undefined
  return new NodeError(code as ErrorCode, message, {
    ...(typeof details === 'object' ? details : {}),
    ...(typeof next === 'string' ? { next } : {}),
  })
}
