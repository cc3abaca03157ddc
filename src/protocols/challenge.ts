import { z } from 'zod'
import { KiB, MiB, secondsMs } from '../units.ts'
import { CAPABILITY_MAX_BYTES } from './capability.ts'
import {
  type FinalClaim,
  finalCodec,
  SLOT_RECORD_BYTES,
  type TickClaim,
  tickCodec,
} from './claims.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, bytesUpTo, integer, text } from './fields.ts'
import type { Network } from './network.ts'
import { defineProtocol } from './protocol.ts'
import { type RecordKey, sealRecord } from './seal.ts'
import { recordTypes, type Signed } from './signed.ts'

/** Largest item: a capability record and what names it. */
const ITEM_BYTES = CAPABILITY_MAX_BYTES + 1 * KiB

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
  SLOT_RECORD_BYTES / 2,
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
      record: bytesUpTo(SLOT_RECORD_BYTES).optional(),
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
