import { concat, sha256, utf8 } from '../bytes.ts'
import { NodeError } from '../errors.ts'
import { type Codec, decodeCbor } from './codec.ts'
import { verifySignature } from './ed25519.ts'
import type { Network } from './network.ts'

/** Numbers of signed records on the wire; never reused. */
export const recordTypes = {
  capability: 1,
  offer: 2,
  withdrawal: 3,
  tick: 4,
  final: 5,
  reportCommit: 6,
  report: 7,
  verdict: 8,
  terms: 9,
  receipt: 10,
  openings: 11,
  leaseEnd: 12,
  fraud: 13,
  extension: 14,
} as const
export type RecordType = (typeof recordTypes)[keyof typeof recordTypes]

/** A record whose signature was checked. */
export interface Signed<T> {
  /** SHA-256("compute-node/id/1\0" ‖ netDigest ‖ type ‖ pubkey ‖ payload), 32 B. */
  readonly id: Uint8Array
  /** Who signed, 32 B. */
  readonly publicKey: Uint8Array
  readonly payload: T
  readonly signature: Uint8Array
  /** The record as it travels. */
  readonly bytes: Uint8Array
}

/** The first item of every record. */
export const RECORD_VERSION = 1
const SIG_DOMAIN = utf8('compute-node/sig/1\0')
const ID_DOMAIN = utf8('compute-node/id/1\0')

const u16 = (n: number): Uint8Array => Uint8Array.of(n >> 8, n & 255)
/** What the signature of a record is over. */
export const signedBytes = (net: Network, type: number, payload: Uint8Array): Uint8Array =>
  concat([SIG_DOMAIN, net.digest, u16(type), payload])

/** The id of a record: it depends on everything but the signature. */
export const recordId = (
  net: Network,
  type: number,
  publicKey: Uint8Array,
  payload: Uint8Array,
): Uint8Array => sha256(concat([ID_DOMAIN, net.digest, u16(type), publicKey, payload]))

/** A record whose outside has the right shape; nothing is verified yet. */
export interface RawRecord {
  readonly type: number
  readonly publicKey: Uint8Array
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  readonly id: Uint8Array
}

/**
 * The outside of a record, cheaply and without verifying, so that known ids can be dropped first.
 * @throws BAD_MESSAGE on a wrong shape; BAD_MESSAGE_VERSION on a version this node does not know (ignore, do not punish)
 */
export function peekRecord(net: Network, bytes: Uint8Array): RawRecord {
  const value = decodeCbor(bytes)
  if (!Array.isArray(value)) throw new NodeError('BAD_MESSAGE', 'a record is a CBOR array')
  const [version, type, publicKey, payload, signature] = value
  if (Number.isInteger(version) && version !== RECORD_VERSION) {
    throw new NodeError('BAD_MESSAGE_VERSION', `record version ${version} is not known here`)
  }
  const shaped =
    version === RECORD_VERSION &&
    value.length === 5 &&
    Number.isInteger(type) &&
    type >= 0 &&
    type <= 0xffff &&
    isBytes(publicKey, 32) &&
    payload instanceof Uint8Array &&
    isBytes(signature, 64)
  if (!shaped) throw new NodeError('BAD_MESSAGE', 'not a signed record')
  return { type, publicKey, payload, signature, id: recordId(net, type, publicKey, payload) }
}

const isBytes = (value: unknown, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length

/** Opens a record of one type: shape, signature, then schema. Throws BAD_MESSAGE. */
export function openRecord<T>(
  net: Network,
  type: RecordType,
  codec: Codec<T>,
  bytes: Uint8Array,
): Signed<T> {
  const raw = peekRecord(net, bytes)
  if (raw.type !== type) {
    throw new NodeError('BAD_MESSAGE', `record type ${raw.type} where ${type} belongs`)
  }
  return openPeeked(net, raw, codec, bytes)
}

/** The same for a record whose outside was looked at before; its type is the caller's to judge. */
export function openPeeked<T>(
  net: Network,
  raw: RawRecord,
  codec: Codec<T>,
  bytes: Uint8Array,
): Signed<T> {
  const message = signedBytes(net, raw.type, raw.payload)
  return opened(verifySignature(raw.publicKey, message, raw.signature), raw, codec, bytes)
}

/** Tells whether an ed25519 signature is right, elsewhere than on the event loop. */
export type CheckSignature = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => Promise<boolean>

/** The same with its signature, nine tenths of the work, checked elsewhere; rejects as `openPeeked` throws. */
export async function openPeekedAside<T>(
  net: Network,
  raw: RawRecord,
  codec: Codec<T>,
  bytes: Uint8Array,
  isRight: CheckSignature,
): Promise<Signed<T>> {
  const message = signedBytes(net, raw.type, raw.payload)
  return opened(await isRight(raw.publicKey, message, raw.signature), raw, codec, bytes)
}

function opened<T>(
  isRight: boolean,
  { id, publicKey, payload, signature }: RawRecord,
  codec: Codec<T>,
  bytes: Uint8Array,
): Signed<T> {
  if (!isRight) {
    throw new NodeError('BAD_MESSAGE', 'the signature is wrong, or of another network')
  }
  return { id, publicKey, signature, payload: codec.decode(payload), bytes }
}
