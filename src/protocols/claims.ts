import { z } from 'zod'
import { isWhole, TOLD_TICK_BYTES } from '../told-ticks.ts'
import { KiB } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, bytesUpTo, integer, text } from './fields.ts'

/** Largest signed record of a slot's stream. */
export const SLOT_RECORD_BYTES = 1 * KiB

const claim = z.looseObject({
  /** The round that started the slot. */
  slot: integer(1, Number.MAX_SAFE_INTEGER),
  /** The device's id in its miner's capability record. */
  gpu: text(64),
  work: z.enum(['residency', 'gemm', 'locality']),
  /** Number of the tick; a Final repeats the last. */
  k: integer(0, 1024),
  /** Passes, steps or checkpoints done in all. */
  count: integer(0, 1_000_000),
  /** Head of the tick chain: it binds every root claimed so far. */
  head: bytes(32),
})

/** The work of one GPU up to a moment of the window. */
export const tickCodec = cborCodec(claim, SLOT_RECORD_BYTES / 2)
export type TickClaim = Message<typeof tickCodec>

/** More ticks than any window has. */
const MAX_TICKS = 32

/** The close of a window: its last tick, with what every tick before it said (told-ticks.ts). */
export const finalCodec = cborCodec(
  claim
    .extend({ ticks: bytesUpTo(MAX_TICKS * TOLD_TICK_BYTES) })
    .refine(({ ticks, ...close }) => isWhole(ticks, close), 'a close that tells of other ticks'),
  (3 * SLOT_RECORD_BYTES) / 4,
)
export type FinalClaim = Message<typeof finalCodec>
