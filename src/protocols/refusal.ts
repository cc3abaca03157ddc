import { z } from 'zod'
import { type ErrorCode, NodeError } from '../errors.ts'
import { cborCodec } from './codec.ts'
import { text } from './fields.ts'
import { messageFrame, tags } from './wire.ts'

const refusal = cborCodec(
  z.looseObject({
    code: z.string().regex(/^[A-Z][A-Z0-9_]{1,63}$/),
    message: text(1000),
    next: text(500).optional(),
  }),
  8192,
)

/** Text of ours made fit for a stranger's terminal. */
const tame = (value: string, max: number): string => value.replace(/\p{Cc}+/gu, ' ').slice(0, max)

/** The frame that tells a peer why: a NodeError's code, message and next step; of any other error, nothing. */
export function refusalFrame(id: number, error: unknown): Buffer {
  const { code, message, next } =
    error instanceof NodeError
      ? error
      : { code: 'FAILED', message: 'the peer failed to answer', next: undefined }
  const body = refusal.encode({
    code,
    message: tame(message, 1000),
    ...(next === undefined ? {} : { next: tame(next, 500) }),
  })
  return messageFrame(tags.refused, id, body)
}

/** Codes that speak of the machine they arise on: here they would blame this one. */
const OF_ITS_MACHINE = /^(BAD_CONFIG|ENGINE|GPU|CHAIN|STORE|FAILED_INTERRUPTED)(_|$)/

/**
 * The error that a peer's refusal is here; `details.peer` names who said so. A fault of the peer's own machine reads
 * `PEER_ENGINE_…` and the like. Throws BAD_MESSAGE on a malformed one.
 */
export function refusalError(body: Uint8Array, peer: string): NodeError {
  const { code, message, next } = refusal.decode(body)
  return new NodeError(codeOfPeer(code), message, next === undefined ? { peer } : { next, peer })
}

/** A peer's code as it reads here. */
export const codeOfPeer = (code: string): ErrorCode =>
  (OF_ITS_MACHINE.test(code) ? `PEER_${code}` : code) as ErrorCode

/** Whether an error is what a peer answered, and not that it did not. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof NodeError && error.details['peer'] !== undefined
