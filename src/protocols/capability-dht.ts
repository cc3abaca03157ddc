import type { Selectors, Validators } from '@libp2p/kad-dht'
import type { NowMs } from '../clock.ts'
import { messageOf, NodeError } from '../errors.ts'
import { minutesMs, secondsMs } from '../units.ts'
import {
  CAPABILITY_MAX_BYTES,
  type Capability,
  capabilityCodec,
  capabilityKind,
} from './capability.ts'
import type { Network } from './network.ts'
import { openRecord, recordTypes, type Signed } from './signed.ts'

const NAMESPACE = 'capability'

/** Where a peer's capability record is kept: `/capability/<PeerId>`. */
export const capabilityKey = (peerId: string): Uint8Array => Buffer.from(`/${NAMESPACE}/${peerId}`)

/** Clocks may differ by this much (DESIGN.md, "Bytes"). */
const SKEW_MS = secondsMs(30)
const SEQ_AHEAD_MS = minutesMs(2)
/** Keys whose newest sequence is remembered; the ones untouched longest go first. */
const REMEMBERED = 20_000

interface Newest {
  readonly seq: number
  readonly id: string
}

/** The newest of two records of one peer: the higher sequence, and for equal ones the lower id, so that all agree. */
const isOlder = (a: Newest, b: Newest): boolean => a.seq < b.seq || (a.seq === b.seq && a.id > b.id)

const newestOf = ({ payload, id }: Signed<Capability>): Newest => ({
  seq: payload.seq,
  id: Buffer.from(id).toString('hex'),
})

/**
 * Opens a capability record found under `key`, or throws BAD_MESSAGE: its signature, its key, its expiry. Says nothing
 * about newer ones.
 */
export function openCapability(
  net: Network,
  key: Uint8Array,
  value: Uint8Array,
  nowMs: number,
): Signed<Capability> {
  if (value.length > CAPABILITY_MAX_BYTES) throw new NodeError('BAD_MESSAGE', 'too large')
  const record = openRecord(net, recordTypes.capability, capabilityCodec, value)
  const verdict = capabilityKind.check(record)
  if (verdict !== 'accept') throw new NodeError('BAD_MESSAGE', JSON.stringify(verdict))
  const { peerId, expiresAtMs, seq } = record.payload
  if (Buffer.compare(key, capabilityKey(peerId)) !== 0) {
    throw new NodeError('BAD_MESSAGE', 'a record is kept under its own peer only')
  }
  if (expiresAtMs + SKEW_MS <= nowMs) throw new NodeError('BAD_MESSAGE', 'expired')
  if (seq > nowMs + SEQ_AHEAD_MS)
    throw new NodeError('BAD_MESSAGE', 'its sequence is ahead of time')
  return record
}

export interface CapabilityValidator {
  readonly validators: Validators
  readonly selectors: Selectors
}

/**
 * The DHT's judgement on capability records, for kadDHT's init. kad-dht stores whatever its validator passes and never
 * runs the selector on a put, so an old record with a good signature would replace the newer one everywhere
 * (notes/libp2p.md §2 trap 2): this validator remembers the newest it saw of each peer and refuses older ones.
 */
export function capabilityValidator(
  net: Network,
  { nowMs }: { readonly nowMs: NowMs },
): CapabilityValidator {
  const newest = new Map<string, Newest>()
  const validate = (key: Uint8Array, value: Uint8Array): void => {
    const record = openCapability(net, key, value, nowMs())
    const { peerId } = record.payload
    const seen = newest.get(peerId)
    const candidate = newestOf(record)
    if (seen !== undefined && isOlder(candidate, seen)) {
      throw new NodeError('BAD_MESSAGE', `stale: sequence ${seen.seq} of this peer is known`)
    }
    newest.delete(peerId)
    newest.set(peerId, candidate)
    if (newest.size > REMEMBERED) newest.delete(newest.keys().next().value!)
  }
  const select = (key: Uint8Array, values: Uint8Array[]): number =>
    bestCapability(net, key, values, nowMs())?.index ?? 0
  return { validators: { [NAMESPACE]: validate }, selectors: { [NAMESPACE]: select } }
}

/** The newest good record of one peer among untrusted answers, and its place; undefined when none is good. */
export function bestCapability(
  net: Network,
  key: Uint8Array,
  values: readonly Uint8Array[],
  nowMs: number,
  onBad: (why: string) => void = () => undefined,
): { readonly index: number; readonly record: Signed<Capability> } | undefined {
  let best: { index: number; record: Signed<Capability> } | undefined
  for (const [index, value] of values.entries()) {
    try {
      const record = openCapability(net, key, value, nowMs)
      if (best === undefined || isOlder(newestOf(best.record), newestOf(record))) {
        best = { index, record }
      }
    } catch (error) {
      onBad(messageOf(error)) // one bad answer must not hide the good ones
    }
  }
  return best
}
