import { z } from 'zod'
import { type Claim, earliestOf } from '../chain/earliest.ts'
import { type Binding, bindingSchema } from '../protocols/capability.ts'
import { cborCodec } from '../protocols/codec.ts'
import { bytes, integer } from '../protocols/fields.ts'
import { KiB } from '../units.ts'
import type { Bucket } from './store.ts'

const number = () => integer(0, Number.MAX_SAFE_INTEGER)
const codec = cborCodec(
  z.looseObject({
    binding: bindingSchema,
    peerKey: bytes(32),
    block: number(),
    keptAt: number(),
  }),
  4 * KiB,
)

/** Whom a PeerId worked for when this node first believed it, and by which commitment. */
export interface BoundClaim {
  readonly binding: Binding
  /** The PeerId's key, 32 B. */
  readonly peerKey: Uint8Array
  /** Of the commitment by which it was first believed; later ones of the same hotkey do not move it. */
  readonly block: number
}

/** The first claims to PeerIds, which outlive a restart. */
export interface BoundClaims {
  of(peerId: string): BoundClaim | undefined
  keep(peerId: string, claim: BoundClaim): Promise<void>
}

/** As many as a node knows capability records of bound peers. */
const MOST = 4096

/** Loads what was kept; without a bucket nothing outlives the process. */
export async function openBoundClaims(bucket?: Bucket): Promise<BoundClaims> {
  const claims = new Map<string, BoundClaim & { readonly keptAt: number }>()
  let turn = 0
  for await (const [peerId, value] of bucket?.iterator() ?? []) {
    const claim = codec.decode(value)
    claims.set(peerId, claim)
    turn = Math.max(turn, claim.keptAt)
  }
  return {
    of: (peerId) => claims.get(peerId),
    async keep(peerId, claim) {
      const kept = { ...claim, keptAt: ++turn }
      await bucket?.put(peerId, codec.encode(kept))
      claims.set(peerId, kept)
      if (claims.size <= MOST) return
      const [oldest] = [...claims].reduce((a, b) => (b[1].keptAt < a[1].keptAt ? b : a))
      claims.delete(oldest)
      await bucket?.del(oldest)
    },
  }
}

/** Whether a later claim to a PeerId was earlier on the chain than the one that is held; what cannot be told changes nothing. */
export function isEarlier(coming: Omit<Claim, 'by'>, held: Omit<Claim, 'by'>): boolean {
  const earliest = earliestOf([
    { ...coming, by: 'coming' },
    { ...held, by: 'held' },
  ])
  return earliest.kind === 'first' && earliest.claim.by === 'coming'
}
