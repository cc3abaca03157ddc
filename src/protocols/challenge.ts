import { z } from 'zod'
import { isWhole, TOLD_TICK_BYTES } from '../told-ticks.ts'
import { KiB, MiB, secondsMs } from '../units.ts'
import { CAPABILITY_MAX_BYTES } from './capability.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, bytesUpTo, integer, text } from './fields.ts'
import type { Network } from './network.ts'
import { defineProtocol } from './protocol.ts'
import { type RecordKey, recordTypes, type Signed, sealRecord } from './signed.ts'

/** Largest signed record of a slot's stream. */
const RECORD_BYTES = 1 * KiB
/** Largest item: a capability record and what names it. */
const ITEM_BYTES = CAPABILITY_MAX_BYTES + 1 * KiB

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
export const tickCodec = cborCodec(claim, RECORD_BYTES / 2)
export type TickClaim = Message<typeof tickCodec>

/** More ticks than any window has. */
const MAX_TICKS = 32

/** The close of a window: its last tick, with what every tick before it said (told-ticks.ts). */
export const finalCodec = cborCodec(
  claim
    .extend({ ticks: bytesUpTo(MAX_TICKS * TOLD_TICK_BYTES) })
    .refine(({ ticks, ...close }) => isWhole(ticks, close), 'a close that tells of other ticks'),
  (3 * RECORD_BYTES) / 4,
)
export type FinalClaim = Message<typeof finalCodec>

/** Where the openings of a slot can be fetched, once they are made. */
export const openingsCodec = cborCodec(
  z.looseObject({
    slot: integer(1, Number.MAX_SAFE_INTEGER),
    gpu: text(64),
    /** The transcript's content id. */
    content: bytes(32),
    bytes: integer(1, 64 * MiB),
    /** What the re-run took, by the miner's clock. */
    proveMs: integer(0, 86_400_000),
  }),
  RECORD_BYTES / 2,
)
export type Openings = Message<typeof openingsCodec>

/** Signs a tick. */
export const sealTick = (net: Network, key: RecordKey, tick: TickClaim): Signed<TickClaim> =>
  sealRecord(net, recordTypes.tick, tickCodec, key, tick)

/** Signs the close of a window: every tick before must be a prefix of it. */
export const sealFinal = (net: Network, key: RecordKey, final: FinalClaim): Signed<FinalClaim> =>
  sealRecord(net, recordTypes.final, finalCodec, key, final)

/** Signs where openings are. */
export const sealOpenings = (net: Network, key: RecordKey, value: Openings): Signed<Openings> =>
  sealRecord(net, recordTypes.openings, openingsCodec, key, value)

/**
 * A permitted validator follows a miner's slots: the first item is `ready`, then come signed ticks, Finals and
 * openings as they happen, the miner's capability record at first and when it changed (so that a mode which counts soon
 * is known in time), and `alive` in between. Items of an unknown kind are skipped.
 */
export const challenge = defineProtocol({
  name: 'challenge',
  request: cborCodec(z.looseObject({}), 256),
  response: cborCodec(
    z.looseObject({
      kind: text(16),
      record: bytesUpTo(RECORD_BYTES).optional(),
      /** A capability record, of an item of kind `announced`. */
      capability: bytesUpTo(CAPABILITY_MAX_BYTES).optional(),
    }),
    ITEM_BYTES,
  ),
  limits: {
    requestBytes: 256,
    responseBytes: ITEM_BYTES,
    timeoutMs: secondsMs(10),
    perPeerPerMinute: 30,
  },
})
export type ChallengeItem = Message<typeof challenge.response>
