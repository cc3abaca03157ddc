import type { Delegation } from '../chain/chain-accounts.ts'
import { KEPT_EPOCHS } from './earnings-book.ts'
import type { Store } from './store.ts'

/** Nominators kept of one epoch, the largest: a hotkey with more is one that a chain's indexer should be asked about. */
export const KEPT_NOMINATORS = 1000

/** What one epoch gave to who had staked on a hotkey, after the owner's take. Alpha base units by coldkey. */
export interface SharedEpoch {
  readonly epoch: number
  readonly shares: readonly (readonly [coldkey: string, alpha: bigint])[]
}

/** What nominators of a hotkey earned per epoch, as this node read it. */
export interface NominatorsBook {
  add(hotkey: string, shared: SharedEpoch): Promise<void>
  /** Those of the epochs from one to another, both included, oldest first; an epoch that shared nothing is absent. */
  between(hotkey: string, from: number, to: number): Promise<SharedEpoch[]>
}

/** Each nominator's part of what an epoch shared out, read right after it; undefined where the runtime keeps no such figure. */
export function sharesOf(
  epoch: number,
  { shared, stake, nominators }: Pick<Delegation, 'shared' | 'stake' | 'nominators'>,
): SharedEpoch | undefined {
  if (shared === undefined || shared === 0n || stake === 0n) return undefined
  const shares = nominators
    .slice(0, KEPT_NOMINATORS)
    .map((one) => [one.coldkey, (shared * one.stake) / stake] as const)
  return { epoch, shares }
}

const keyOf = (hotkey: string, epoch: number): string =>
  `${hotkey}/${String(Math.max(0, Math.min(epoch, 1e12 - 1))).padStart(12, '0')}`

/** Amounts as decimal text, since JSON has no whole numbers of their size. */
export const sharedToJson = ({ epoch, shares }: SharedEpoch): string =>
  JSON.stringify({ epoch, shares: shares.map(([coldkey, alpha]) => [coldkey, String(alpha)]) })

/** The other way. */
export function sharedFromJson(text: string): SharedEpoch {
  const { epoch, shares } = JSON.parse(text) as { epoch: number; shares: [string, string][] }
  return { epoch, shares: shares.map(([coldkey, alpha]) => [coldkey, BigInt(alpha)] as const) }
}

/** The record in a node's store. */
export function openNominatorsBook(store: Store): NominatorsBook {
  const bucket = store.bucket('nominators')
  return {
    async add(hotkey, shared) {
      await bucket.put(keyOf(hotkey, shared.epoch), Buffer.from(sharedToJson(shared)))
      await bucket.clear({ gt: `${hotkey}/`, lt: keyOf(hotkey, shared.epoch - KEPT_EPOCHS + 1) })
    },
    async between(hotkey, from, to) {
      const range = { gte: keyOf(hotkey, from), lte: keyOf(hotkey, to) }
      const found = await bucket.values(range).all()
      return found.map((bytes) => sharedFromJson(Buffer.from(bytes).toString()))
    },
  }
}
