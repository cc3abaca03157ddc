import { hash } from 'node:crypto'
import { z } from 'zod'
import { NodeError } from '../errors.ts'
import { hoursMs, KiB } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { baseUnits, bytes, bytesUpTo, integer, timeMs } from './fields.ts'
import { costCap } from './money.ts'
import type { Network } from './network.ts'
import { keyOfPeerId } from './peer-key.ts'
import { type RecordKey, sealRecord } from './seal.ts'
import { openRecord, recordTypes, type Signed } from './signed.ts'
import type { Terms } from './terms.ts'

/** At most this many bytes, as a signed record. */
export const EXTENSION_MAX_BYTES = KiB

/** No lease is extended more often. */
export const MAX_EXTENSIONS = 1000

const schema = z.looseObject({
  /** The hash of the terms that both signed. */
  leaseId: bytes(32),
  /** From 1, without gaps. */
  seq: integer(1, MAX_EXTENSIONS),
  /** The hash of the extension before; the lease id for the first. */
  prev: bytes(32),
  /** The whole time from the start of the container, longer than before. */
  durationMs: integer(1000, hoursMs(24 * 366)),
  /** The most the whole lease can cost now, in base units, at the price of its terms. */
  cap: baseUnits(),
  /** When it was asked for, by the renter's clock. */
  atMs: timeMs(),
})

export const extensionCodec = cborCodec(schema, EXTENSION_MAX_BYTES - 256)
/** More time in a lease at the price of its terms; both parties sign it, everything else stays as it was. */
export type Extension = Message<typeof extensionCodec>

/** An extension as each party signed it. */
export const signedExtension = z.strictObject({
  miner: bytesUpTo(EXTENSION_MAX_BYTES),
  renter: bytesUpTo(EXTENSION_MAX_BYTES),
})
export type SignedExtension = z.infer<typeof signedExtension>

/** Signs an extension as one of the two parties. */
export const sealExtension = (net: Network, key: RecordKey, value: Extension): Signed<Extension> =>
  sealRecord(net, recordTypes.extension, extensionCodec, key, value)

/** Opens an extension that a party signed; BAD_MESSAGE otherwise. */
export function openExtension(net: Network, record: Uint8Array, party: string): Signed<Extension> {
  const signed = openRecord(net, recordTypes.extension, extensionCodec, record)
  if (Buffer.compare(signed.publicKey, keyOfPeerId(party)) !== 0) {
    throw wrong('the extension is signed by another key')
  }
  return signed
}

const DOMAIN = Buffer.from('compute-node/extension/1\0')

/** What the next one links to: SHA-256("compute-node/extension/1\0" ‖ netDigest ‖ extension), 32 B, whoever signed it. */
export const extensionHash = (net: Network, value: Extension): Uint8Array =>
  new Uint8Array(
    hash('sha256', Buffer.concat([DOMAIN, net.digest, extensionCodec.encode(value)]), 'buffer'),
  )

/** What holds of a lease after its extensions so far. */
export interface Extended {
  readonly leaseId: Uint8Array
  /** The terms, with the duration and the cap of the newest extension. */
  readonly terms: Terms
  /** The newest, and what the next one must link to. */
  readonly seq: number
  readonly prev: Uint8Array
}

/** A lease that was never extended. */
export const unextended = (leaseId: Uint8Array, terms: Terms): Extended => ({
  leaseId,
  terms,
  seq: 0,
  prev: leaseId,
})

/** What a renter signs to have `addMs` more. */
export function nextExtension(
  { leaseId, terms, seq, prev }: Extended,
  addMs: number,
  atMs: number,
): Extension {
  const durationMs = terms.durationMs + addMs
  const cap = costCap(BigInt(terms.pricePerHour), durationMs).toString()
  return { leaseId, seq: seq + 1, prev, durationMs, cap, atMs }
}

/** What holds with one more extension; BAD_MESSAGE for one that does not follow, or states another price. */
export function extendedBy(net: Network, before: Extended, value: Extension): Extended {
  const { leaseId, terms, seq, prev } = before
  const cap = costCap(BigInt(terms.pricePerHour), value.durationMs).toString()
  const rules: readonly (readonly [holds: boolean, fault: string])[] = [
    [same(value.leaseId, leaseId), 'the extension is of another lease'],
    [value.seq === seq + 1, `extension ${value.seq} where ${seq + 1} belongs`],
    [same(value.prev, prev), 'the extension does not follow the one before it'],
    [value.durationMs > terms.durationMs, 'the extension is not longer than what holds'],
    [value.cap === cap, 'the extension states another price than the terms'],
  ]
  const broken = rules.find(([holds]) => !holds)
  if (broken !== undefined) throw wrong(broken[1])
  const { durationMs } = value
  return {
    leaseId,
    terms: { ...terms, durationMs, cap },
    seq: value.seq,
    prev: extensionHash(net, value),
  }
}

/** Checks a chain of extensions, both signatures of each, and says what holds after it. BAD_MESSAGE otherwise. */
export const openExtensions = (
  net: Network,
  first: Extended,
  records: readonly SignedExtension[],
): Extended =>
  records.reduce((before, { miner, renter }) => {
    const { payload } = openExtension(net, renter, before.terms.renter)
    if (!sameExtension(openExtension(net, miner, before.terms.miner).payload, payload)) {
      throw wrong('the two parties signed different extensions')
    }
    return extendedBy(net, before, payload)
  }, first)

/** Whether two say the same, whoever signed them. */
export const sameExtension = (a: Extension, b: Extension): boolean =>
  same(extensionCodec.encode(a), extensionCodec.encode(b))

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

const wrong = (message: string): NodeError => new NodeError('BAD_MESSAGE', message)
