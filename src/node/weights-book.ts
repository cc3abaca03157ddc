import type { WeightRow } from '../chain/chain-weights.ts'
import type { PendingWeights } from '../chain/pending-weights.ts'
import type { Store } from './store.ts'

/** The weights of the last epoch in which some were set. */
export interface SetRow {
  readonly epoch: number
  readonly row: WeightRow
}

/** What a validator must not forget over a crash: what it set, what it is sending, and what is still to be revealed. */
export interface WeightsBook {
  last(): Promise<SetRow | undefined>
  done(set: SetRow): Promise<void>
  /** Oldest first. */
  pending(): Promise<PendingWeights[]>
  /** Before it is sent; again in the same place when it had to be signed anew. */
  keep(pending: PendingWeights): Promise<void>
  drop(pending: PendingWeights): Promise<void>
}

const LAST = 'last'
const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const decode = <T>(bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString()) as T

const idOf = (pending: PendingWeights): string => {
  if (pending.way === 'hash') return pending.salt.join('-')
  return pending.way === 'timelock' ? pending.hash : 'direct'
}

const keyOf = (pending: PendingWeights): string =>
  `reveal/${String(pending.committedAt).padStart(12, '0')}/${idOf(pending)}`

/** The validator's weights in its node's store. */
export function openWeightsBook(store: Store): WeightsBook {
  const bucket = store.bucket('weights')
  return {
    async last() {
      const bytes = await bucket.get(LAST)
      return bytes === undefined ? undefined : decode<SetRow>(bytes)
    },
    done: (set) => bucket.put(LAST, encode(set)),
    async pending() {
      const kept = await bucket.values({ gt: 'reveal/', lt: 'reveal0' }).all()
      // Before there were other ways, none was written.
      return kept.map((bytes) => ({ way: 'hash', ...decode<object>(bytes) }) as PendingWeights)
    },
    keep: (pending) => bucket.put(keyOf(pending), encode(pending)),
    drop: (pending) => bucket.del(keyOf(pending)),
  }
}
