import { z } from 'zod'
import { NodeError } from '../errors.ts'
import { KiB } from '../units.ts'
import { bytes, integer } from './fields.ts'

/** UTC with nine places, as the engine stamps each record: 30 characters. */
export const logTime = () =>
  z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/, 'must be UTC with nine places')

/**
 * What the container's main process prints: records as the engine stored them, a line or (of one above 16 KiB) a piece
 * of it. `since` counts from that moment on: who resumes asks from the last record's time and drops what came before.
 */
export const logsRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('logs'),
  follow: z.boolean().optional(),
  tail: integer(0, 1_000_000).optional(),
  since: logTime().optional(),
  /** Whether the renter shows the times: an engine that has none refuses. */
  timestamps: z.boolean().optional(),
})

const TIME_BYTES = 30
/** Such frames arrive whole. */
const PIECE_BYTES = 8 * KiB

/** The frames of one record: `1 ‖ time ‖ data`, and `0 ‖ data` for the rest of a long one. */
export function logFrames(at: string, data: Uint8Array): Uint8Array[] {
  const frames = [
    Buffer.concat([Uint8Array.of(1), Buffer.from(at, 'latin1'), data.subarray(0, PIECE_BYTES)]),
  ]
  for (let from = PIECE_BYTES; from < data.length; from += PIECE_BYTES) {
    frames.push(Buffer.concat([Uint8Array.of(0), data.subarray(from, from + PIECE_BYTES)]))
  }
  return frames
}

export interface LogPiece {
  /** When the record was printed that begins here; undefined for the rest of one. */
  readonly at: string | undefined
  readonly data: Uint8Array
}

/** A frame of a record. @throws BAD_MESSAGE when it is none */
export function readLogFrame(frame: Uint8Array): LogPiece {
  if (frame[0] === 0) return { at: undefined, data: frame.subarray(1) }
  const at = Buffer.from(frame.subarray(1, 1 + TIME_BYTES)).toString('latin1')
  if (frame[0] !== 1 || !logTime().safeParse(at).success) {
    throw new NodeError('BAD_MESSAGE', 'the miner sent a malformed log record')
  }
  return { at, data: frame.subarray(1 + TIME_BYTES) }
}
