import { hash } from 'node:crypto'
import { z } from 'zod'
import { NodeError } from '../errors.ts'
import { hoursMs, KiB, minutesMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { baseUnits, bytes, integer, peerIdText, text, timeMs } from './fields.ts'
import { imageName } from './image-name.ts'
import { isolation } from './isolation.ts'
import type { Network } from './network.ts'
import { keyOfPeerId, peerIdOfKey } from './peer-key.ts'
import { type RecordKey, sealRecord } from './seal.ts'
import { openRecord, recordTypes, type Signed } from './signed.ts'
import { agreedVolumes } from './volumes.ts'

/** Text without NUL, which no operating system passes on. */
const noNul = (text: z.ZodString) => text.refine((s) => !s.includes('\0'), 'must not contain NUL')

/** A line for a shell: as long as a whole session request allows. */
export const scriptLine = () => noNul(z.string().max(32 * KiB))

/** One argument of a command. */
const argument = noNul(z.string().max(8 * KiB))

/** A command line as a program and its arguments. */
export const commandLine = () => z.array(argument).min(1).max(64)

/** At most this many PeerIds may enter a lease (DESIGN.md, "Leases"). */
export const MAX_AUTHORIZED = 8

/** No miner gives more than this, or keeps a paused lease longer. */
export const MAX_CREDIT_MS = hoursMs(24)
export const MAX_GRACE_MS = hoursMs(24 * 7)

const schema = z.looseObject({
  /** The network's digest: terms of another network are void here. */
  net: bytes(32),
  renter: peerIdText(),
  miner: peerIdText(),
  /** One from each side, so that no two leases share an id. */
  renterNonce: bytes(16),
  minerNonce: bytes(16),
  /** The offer that was taken, by the name it keeps while it is repeated. */
  offerId: bytes(32),
  asset: text(16),
  /** How money moves, e.g. `dev`; `none` for what is free. */
  rail: text(16),
  /** Base units of `asset` per hour, for everything in the lease together. */
  pricePerHour: baseUnits(),
  /** The most this lease can cost, in base units: what an escrow holds. */
  cap: baseUnits(),
  image: imageName(),
  /** What the container runs; without it, it waits for `exec`. */
  command: commandLine().optional(),
  /** The devices, by the ids of the miner's capability record. */
  devices: z.array(text(64)).max(32),
  memoryMiB: integer(16, 64 * KiB * KiB),
  milliCpus: integer(100, 1_024_000),
  /** What the lease may write on the disk; absent: as much as there is. More than that ends it, by its renter's fault. */
  diskMiB: integer(1, 2 ** 40).optional(),
  /** What holds it, as its offer said. */
  isolation: isolation().optional(),
  /** From the start of the container; it ends then if nothing ended it before. */
  durationMs: integer(1000, hoursMs(24 * 366)),
  receiptEveryMs: integer(200, minutesMs(10)),
  /**
   * Parts per million of the devices' time that proofs beside the tenant take on average, at most; absent in terms of an
   * earlier version.
   */
  proofSharePpm: integer(0, 1_000_000).optional(),
  /** True: the devices prove nothing while the lease runs, which `pricePerHour` includes. */
  exclusive: z.literal(true).optional(),
  /**
   * How much service without a countersignature the miner gives: past half of it the lease is in GRACE, past all of it
   * SUSPENDED. Absent, also in terms of an earlier version: no limit.
   */
  creditMs: integer(600, MAX_CREDIT_MS).optional(),
  /** How long a SUSPENDED lease is kept before it closes. */
  graceMs: integer(0, MAX_GRACE_MS).optional(),
  /** How far the renter signs in advance, so that it may be away that long; the credit begins after it. */
  prepaidMs: integer(1000, hoursMs(24 * 366)).optional(),
  /** What outlives the lease, and how large it may become. */
  volumes: agreedVolumes().optional(),
  /** Who else may open sessions. */
  authorized: z.array(peerIdText()).max(MAX_AUTHORIZED),
  quotedAtMs: timeMs(),
  /** The miner holds the capacity until then. */
  acceptByMs: timeMs(),
})

/** At most this many bytes, as a signed record. */
export const TERMS_MAX_BYTES = 32 * KiB

export const termsCodec = cborCodec(schema, TERMS_MAX_BYTES - 256)
/** What both parties sign. */
export type Terms = Message<typeof termsCodec>

const LEASE_DOMAIN = Buffer.from('compute-node/lease/1\0')

/** A lease's id: SHA-256("compute-node/lease/1\0" ‖ netDigest ‖ terms), 32 B. */
export const leaseIdOf = (net: Network, terms: Terms): Uint8Array =>
  new Uint8Array(
    hash('sha256', Buffer.concat([LEASE_DOMAIN, net.digest, termsCodec.encode(terms)]), 'buffer'),
  )

/** Signs terms as one of their two parties. */
export const sealTerms = (net: Network, key: RecordKey, terms: Terms): Signed<Terms> =>
  sealRecord(net, recordTypes.terms, termsCodec, key, terms)

/**
 * Opens terms that `party` signed: shape, signature, network, and that the signer is the party the terms name.
 * @throws BAD_MESSAGE
 */
export function openTerms(
  net: Network,
  record: Uint8Array,
  party: 'miner' | 'renter',
): Signed<Terms> {
  const signed = openRecord(net, recordTypes.terms, termsCodec, record)
  const { payload } = signed
  if (Buffer.compare(payload.net, net.digest) !== 0) {
    throw new NodeError('BAD_MESSAGE', 'the terms are of another network')
  }
  if (peerIdOfKey(signed.publicKey) !== payload[party]) {
    throw new NodeError('BAD_MESSAGE', `the terms are not signed by their ${party}`)
  }
  keyOfPeerId(payload.miner)
  keyOfPeerId(payload.renter)
  return signed
}

/** Whether a peer may open sessions: the renter, and whom the terms name. */
export const mayEnter = (terms: Terms, peerId: string): boolean =>
  terms.renter === peerId || terms.authorized.includes(peerId)
