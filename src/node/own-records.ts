import { setImmediate as otherWork } from 'node:timers/promises'
import type { Network } from '../protocols/network.ts'
import { peekRecord, recordTypes } from '../protocols/signed.ts'
import type { Store } from './store.ts'

/** A record that this node signed and keeps. */
export interface OwnRecord {
  readonly id: Uint8Array
  /** As it travelled. */
  readonly bytes: Uint8Array
}

const WHOLE = (value: Uint8Array): Uint8Array => value
/** Where the store keeps records, each with how one is taken out of its value; kinds in `ANCHORED`. */
const PLACES: Readonly<Record<string, (value: Uint8Array) => Uint8Array>> = {
  offers: WHOLE,
  'hosted-leases-receipts': WHOLE,
  /** The byte before says whether it came late (attestations.ts). */
  attestations: (value) => value.subarray(1),
}

/** What a miner or validator anchors; what others signed, and what it signs for others alone, is theirs to anchor. */
const ANCHORED: ReadonlySet<number> = new Set([
  recordTypes.offer,
  recordTypes.withdrawal,
  recordTypes.receipt,
  recordTypes.reportCommit,
  recordTypes.report,
  recordTypes.verdict,
])

/** So many records are looked at before other work of the node has its turn. */
const AT_ONCE = 256

/** Every offer, receipt and attestation of a store that the holder of `publicKey` signed. */
export async function* ownRecords(
  store: Pick<Store, 'bucket'>,
  net: Network,
  publicKey: Uint8Array,
): AsyncGenerator<OwnRecord> {
  let seen = 0
  for (const [place, recordIn] of Object.entries(PLACES)) {
    for await (const value of store.bucket(place).values()) {
      seen += 1
      if (seen % AT_ONCE === 0) await otherWork()
      const bytes = recordIn(value)
      const { id, type, publicKey: signer } = peekRecord(net, bytes)
      if (ANCHORED.has(type) && Buffer.compare(signer, publicKey) === 0) yield { id, bytes }
    }
  }
}

/** Their ids. */
export async function ownRecordIds(
  store: Pick<Store, 'bucket'>,
  net: Network,
  publicKey: Uint8Array,
): Promise<Uint8Array[]> {
  const ids: Uint8Array[] = []
  for await (const { id } of ownRecords(store, net, publicKey)) ids.push(id)
  return ids
}

/** One of them as it travelled; undefined when the store holds it no longer. */
export async function ownRecord(
  store: Pick<Store, 'bucket'>,
  net: Network,
  publicKey: Uint8Array,
  id: Uint8Array,
): Promise<Uint8Array | undefined> {
  for await (const record of ownRecords(store, net, publicKey))
    if (Buffer.compare(record.id, id) === 0) return record.bytes
  return undefined
}
