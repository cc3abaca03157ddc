import { hash } from 'node:crypto'
import { z } from 'zod'
import { KiB, minutesMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, decimal, integer, peerIdText, text, timeMs } from './fields.ts'
import { isolation } from './isolation.ts'
import type { Network } from './network.ts'
import { peerIdOfKey } from './peer-key.ts'
import { type RecordKey, sealRecord } from './seal.ts'
import { recordTypes, type Signed } from './signed.ts'
import { defineTopic, type RecordKind, type Verdict } from './topic.ts'

/** An offer says what is free for at most this long; its miner repeats it while it stands. */
export const OFFER_LIFETIME_MS = minutesMs(15)
const MAX_BYTES = 4 * KiB
/** A record is its payload and at most this much around it. */
const ENVELOPE_BYTES = 128
const LOTS = 16

/** What validators measured of a GPU, in integers, with the ids of the attestations that say so. */
const measured = z.looseObject({
  memoryMiB: integer(0, 2 ** 40).optional(),
  bandwidthMBps: integer(0, 2 ** 40).optional(),
  /** Millions of integer operations per second: 10^6 are one TOPS. */
  mops: integer(0, 2 ** 50).optional(),
  attestations: z.array(bytes(32)).max(4),
})

const device = z.looseObject({
  /** The device of the capability record: a PCI address, or `cpu-0` for processor capacity alone. */
  id: text(64),
  vendor: text(32),
  name: text(96),
  vramMiB: integer(0, 2 ** 40),
  driver: text(64).optional(),
  computeCapability: text(16).optional(),
  measured: measured.optional(),
})

/** What comes with all of an offer's GPUs, fewer get their part of it; all of this is the miner's own word. */
const host = z.looseObject({
  cpuName: text(96),
  cpuArch: text(16),
  cpuCores: integer(0, 100_000),
  /** The same in thousandths, where it is no whole number. */
  milliCpus: integer(0, 100_000_000).optional(),
  ramMiB: integer(0, 2 ** 40),
  diskMiB: integer(0, 2 ** 50),
  inetUpMbps: integer(0, 10_000_000).optional(),
  inetDownMbps: integer(0, 10_000_000).optional(),
  /** ISO 3166-1 alpha-2. */
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
})

const terms = z.looseObject({
  minLeaseMs: integer(0, Number.MAX_SAFE_INTEGER),
  maxLeaseMs: integer(0, Number.MAX_SAFE_INTEGER),
  /** Payment rails it takes, e.g. `dev`. */
  rails: z.array(text(16)).max(8),
})

const offer = z.looseObject({
  peerId: peerIdText(),
  /** The hotkey its peer works for; believed only when the chain says so too. */
  hotkey: bytes(32).optional(),
  /** Which of the peer's offers this is; a newer record of the same lot replaces the older. */
  lot: integer(0, LOTS - 1),
  /** Rises when what is offered changes; a mere repetition keeps it and expires later. */
  seq: integer(0, Number.MAX_SAFE_INTEGER),
  issuedAtMs: timeMs(),
  expiresAtMs: timeMs(),
  devices: z.array(device).min(1).max(16),
  host,
  /** What leases run in: `docker`, `process` (devnet alone), or a later one. */
  engine: text(16),
  isolation: isolation().optional(),
  /** Price per hour of the whole offer, in `asset`. */
  dph: decimal(),
  /** The same for a lease in which its devices prove nothing; absent: not offered. */
  exclusiveDph: decimal().optional(),
  asset: text(16),
  terms,
  /** Leases hold its devices, or some of them, now: one may wait for them in the miner's queue. */
  taken: z.literal(true).optional(),
})

const withdrawal = z.looseObject({
  peerId: peerIdText(),
  lot: integer(0, LOTS - 1),
  /** The newest sequence that is withdrawn, with all before it. */
  seq: integer(0, Number.MAX_SAFE_INTEGER),
  issuedAtMs: timeMs(),
  /** That of the withdrawn offer: until then a copy of it may still travel. */
  expiresAtMs: timeMs(),
})

export const offerCodec = cborCodec(offer, MAX_BYTES - ENVELOPE_BYTES)
export const withdrawalCodec = cborCodec(withdrawal, 1 * KiB)
export type Offer = Message<typeof offerCodec>
export type OfferDevice = Offer['devices'][number]
export type Withdrawal = Message<typeof withdrawalCodec>

/** What the bytes alone say of an offer or withdrawal. */
function checkTimes({ payload, publicKey }: Signed<Offer> | Signed<Withdrawal>): Verdict {
  const { peerId, issuedAtMs, expiresAtMs } = payload
  if (peerIdOfKey(publicKey) !== peerId) return { reject: 'signed by another peer' }
  if (expiresAtMs <= issuedAtMs && 'devices' in payload)
    return { reject: 'expires before its issue' }
  if (expiresAtMs - issuedAtMs > OFFER_LIFETIME_MS) return { reject: 'lives too long' }
  return 'accept'
}

/** Capacity for rent, signed by the peer that has it. */
export const offerKind: RecordKind<Offer> = {
  type: recordTypes.offer,
  codec: offerCodec,
  check(record) {
    const { minLeaseMs, maxLeaseMs } = record.payload.terms
    if (minLeaseMs > maxLeaseMs) return { reject: 'its shortest lease is longer than its longest' }
    const ids = record.payload.devices.map((one) => one.id)
    if (new Set(ids).size < ids.length) return { reject: 'offers one device twice' }
    return checkTimes(record)
  },
}

/** The end of an offer before its expiry. */
export const withdrawalKind: RecordKind<Withdrawal> = {
  type: recordTypes.withdrawal,
  codec: withdrawalCodec,
  check: checkTimes,
}

/** Offers of capacity, repeated while they stand. */
export const offersTopic = defineTopic({
  name: 'offers',
  maxBytes: MAX_BYTES,
  score: { weight: 0.5, expectedPerMinute: 60 },
})

/** Withdrawals of offers and proofs of fraud. */
export const noticesTopic = defineTopic({
  name: 'notices',
  maxBytes: 64 * KiB,
  score: { weight: 0.5, expectedPerMinute: 20 },
})

/**
 * What an offer is called: it stays while the offer is repeated and changes when what is offered does.
 * SHA-256("compute-node/offer/1\0" ‖ netDigest ‖ signer's key ‖ u8 lot ‖ u64 seq), 32 B.
 */
export function offerId(
  net: Network,
  {
    publicKey,
    payload,
  }: Pick<Signed<Offer>, 'publicKey'> & { payload: Pick<Offer, 'lot' | 'seq'> },
): Uint8Array {
  const place = Buffer.alloc(9)
  place.writeUInt8(payload.lot)
  place.writeBigUInt64BE(BigInt(payload.seq), 1)
  const domain = Buffer.from('compute-node/offer/1\0')
  const preimage = Buffer.concat([domain, net.digest, publicKey, place])
  return new Uint8Array(hash('sha256', preimage, 'buffer'))
}

/** Signs an offer. */
export const sealOffer = (net: Network, key: RecordKey, value: Offer): Signed<Offer> =>
  sealRecord(net, recordTypes.offer, offerCodec, key, value)

/** Signs a withdrawal. */
export const sealWithdrawal = (
  net: Network,
  key: RecordKey,
  value: Withdrawal,
): Signed<Withdrawal> => sealRecord(net, recordTypes.withdrawal, withdrawalCodec, key, value)

/** The end of an offer, in the form that stops every copy of it. */
export const withdrawalOf = (standing: Offer, nowMs: number): Withdrawal => ({
  peerId: standing.peerId,
  lot: standing.lot,
  seq: standing.seq,
  issuedAtMs: Math.max(nowMs, standing.issuedAtMs),
  expiresAtMs: standing.expiresAtMs,
})
