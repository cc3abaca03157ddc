import type { EpochEarning } from '../chain/chain-earnings.ts'
import type { Store } from './store.ts'

/** Epochs kept of one hotkey: seven years of a real subnet. */
export const KEPT_EPOCHS = 50_000

/** What hotkeys earned per epoch, as this node read it: a `discarded` one is a gap that nothing can fill any more. */
export interface EarningsBook {
  /** The newest epoch that stands here; undefined before the first. */
  last(hotkey: string): Promise<number | undefined>
  /** Keeps these, whole or not at all, and drops what is older than is kept. */
  add(hotkey: string, earnings: readonly EpochEarning[]): Promise<void>
  /** Those from one epoch to another, both included, oldest first. */
  between(hotkey: string, from: number, to: number): Promise<EpochEarning[]>
}

const keyOf = (hotkey: string, epoch: number): string =>
  `${hotkey}/${String(Math.min(epoch, 1e12 - 1)).padStart(12, '0')}`

/** Amounts as decimal text, since JSON has no whole numbers of their size. */
export const earningToJson = (earning: EpochEarning): string =>
  JSON.stringify(earning, (_, field: unknown) =>
    typeof field === 'bigint' ? field.toString() : field,
  )

/** The other way. */
export function earningFromJson(text: string): EpochEarning {
  const read = JSON.parse(text) as EpochEarning
  if (read.state !== 'read') return read
  const { emission, stake, priceRao, ...rest } = read
  const price = priceRao === undefined ? {} : { priceRao: BigInt(priceRao) }
  return { ...rest, emission: BigInt(emission), stake: BigInt(stake), ...price }
}

/** The record in a node's store. */
export function openEarningsBook(store: Store): EarningsBook {
  const bucket = store.bucket('earnings')
  const epochIn = (key: string): number => Number(key.slice(key.indexOf('/') + 1))
  return {
    async last(hotkey) {
      const [newest] = await bucket
        .keys({ gt: `${hotkey}/`, lt: `${hotkey}0`, reverse: true, limit: 1 })
        .all()
      return newest === undefined ? undefined : epochIn(newest)
    },
    async add(hotkey, earnings) {
      const newest = earnings.at(-1)
      if (newest === undefined) return
      await bucket.batch(
        earnings.map((one) => ({
          type: 'put' as const,
          key: keyOf(hotkey, one.epoch),
          value: Buffer.from(earningToJson(one)),
        })),
      )
      const oldest = keyOf(hotkey, Math.max(0, newest.epoch - KEPT_EPOCHS + 1))
      await bucket.clear({ gt: `${hotkey}/`, lt: oldest })
    },
    async between(hotkey, from, to) {
      const range = { gte: keyOf(hotkey, Math.max(0, from)), lte: keyOf(hotkey, Math.max(0, to)) }
      const found = await bucket.values(range).all()
      return found.map((bytes) => earningFromJson(Buffer.from(bytes).toString()))
    },
  }
}
