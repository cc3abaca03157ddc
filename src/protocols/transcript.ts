import { z } from 'zod'
import { KiB, MiB, secondsMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, bytesUpTo, integer } from './fields.ts'
import { defineProtocol } from './protocol.ts'

/** The most bytes one answer carries. */
export const CHUNK_BYTES = 512 * KiB
/** No transcript is larger. */
export const MAX_TRANSCRIPT_BYTES = 64 * MiB

/**
 * The proof of one GPU in one slot, by its content id, chunk after chunk; the id is the checksum of the whole. Anyone
 * may ask: what a verdict rests on is public.
 */
export const transcript = defineProtocol({
  name: 'transcript',
  request: cborCodec(
    z.looseObject({ id: bytes(32), offset: integer(0, MAX_TRANSCRIPT_BYTES) }),
    256,
  ),
  response: cborCodec(
    z.looseObject({ total: integer(1, MAX_TRANSCRIPT_BYTES), chunk: bytesUpTo(CHUNK_BYTES) }),
    CHUNK_BYTES + 256,
  ),
  limits: {
    requestBytes: 256,
    responseBytes: CHUNK_BYTES + 256,
    timeoutMs: secondsMs(30),
    // A machine of 32 GPUs has some 300 chunks for each of its validators in one slot.
    perPeerPerMinute: 960,
  },
})
export type TranscriptChunk = Message<typeof transcript.response>
