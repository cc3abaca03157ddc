import type { PendingReveal, WeightRow } from '../chain/chain.ts'
import type { Store } from './store.ts'

/** The weights of the last epoch in which some were set. */
export interface SetRow {
  readonly epoch: number
  readonly row: WeightRow
}

/** What a validator must not forget over a crash: what it set, and what it has to reveal. */
export interface WeightsBook {
  last(): Promise<SetRow | undefined>
  done(set: SetRow): Promise<void>
  /** Oldest first. */
  reveals(): Promise<PendingReveal[]>
  keepReveal(pending: PendingReveal): Promise<void>
  dropReveal(pending: PendingReveal): Promise<void>
}

const LAST = 'last'
const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const decode = <T>(bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString()) as T

const revealKey = ({ committedAt, salt }: PendingReveal): string =>
  `reveal/${String(committedAt).padStart(12, '0')}/${salt.join('-')}`

/** The validator's weights in its node's store. */
export function openWeightsBook(store: Store): WeightsBook {
  const bucket = store.bucket('weights')
  return {
    async last() {
      const bytes = await bucket.get(LAST)
      return bytes === undefined ? undefined : decode<SetRow>(bytes)
    },
    done: (set) => bucket.put(LAST, encode(set)),
    async reveals() {
      const kept = await bucket.values({ gt: 'reveal/', lt: 'reveal0' }).all()
      return kept.map((bytes) => decode<PendingReveal>(bytes))
    },
    keepReveal: (pending) => bucket.put(revealKey(pending), encode(pending)),
    dropReveal: (pending) => bucket.del(revealKey(pending)),
  }
}
