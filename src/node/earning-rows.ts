import type { EpochEarning } from '../chain/chain-earnings.ts'
import { formatTao } from './format-tao.ts'

/** One epoch as `chain earnings --json` prints it; figures are null where there are none to read. */
export interface EarningRow {
  readonly epoch: number
  readonly block: number | null
  readonly state: EpochEarning['state']
  /** Where it was read: from the chain now, or from what the node wrote down then. */
  readonly source: 'chain' | 'record' | null
  readonly uid: number | null
  readonly emission: string | null
  readonly incentive: number | null
  /** Of each mechanism. */
  readonly incentives: readonly number[] | null
  readonly dividends: number | null
  readonly stake: string | null
  /** TAO for one alpha. */
  readonly price: string | null
}

/** What the epochs of a list add up to. */
export interface EarningsTotal {
  /** Epochs asked for that there have been. */
  readonly epochs: number
  readonly read: number
  readonly unregistered: number
  /** Neither the endpoint nor the node's record has these. */
  readonly unknown: number
  /** Alpha. */
  readonly emission: string
  /** TAO, each epoch's alpha at the price of its epoch; null where a price is missing. */
  readonly worth: string | null
}

/** Epochs, both included. */
export interface EpochRange {
  readonly from: number
  readonly to: number
}

/** Which epochs are meant: those named, or the newest so many up to the one named or the newest there is. */
export function wantedRange(
  newest: number,
  epochs: number,
  named: { readonly from?: number | undefined; readonly to?: number | undefined },
): EpochRange {
  const to = Math.min(named.to ?? newest, newest)
  return { from: Math.max(1, named.from ?? to - epochs + 1), to }
}

/** Epochs that may end while a command asks. */
const MARGIN = 2

/** How many of the newest epochs are to be read from the chain, so that none in the range lacks that was not recorded. */
export function epochsToRead(
  { from, to }: EpochRange,
  newest: number,
  recorded: readonly EpochEarning[],
): number {
  const known = new Set(recorded.filter(isKnown).map(({ epoch }) => epoch))
  for (let epoch = from; epoch <= to; epoch++)
    if (!known.has(epoch)) return newest - epoch + 1 + MARGIN
  return 0
}

const isKnown = ({ state }: EpochEarning): boolean => state !== 'discarded'

/** One epoch, and where it was read. */
export interface SourcedEarning {
  readonly earning: EpochEarning
  readonly source: EarningRow['source']
}

/** The epochs of a range, and how many of them there have been. */
export interface MergedEarnings {
  readonly items: readonly SourcedEarning[]
  readonly epochs: number
}

/**
 * The epochs of a range by what was recorded and what the chain still tells, oldest first. Of those unknown before the
 * first that is known only the last is an item; an epoch between two known ones is always one. `asked` is how many of
 * the newest epochs the chain was asked for.
 */
export function mergedEarnings(
  { from, to }: EpochRange,
  recorded: readonly EpochEarning[],
  read: readonly EpochEarning[],
  asked: number,
): MergedEarnings {
  const found = new Map<number, SourcedEarning>()
  const take = (earning: EpochEarning, source: EarningRow['source']): void => {
    if (earning.epoch < from || earning.epoch > to) return
    if (isKnown(earning)) found.set(earning.epoch, { earning, source })
    else if (!found.has(earning.epoch)) found.set(earning.epoch, { earning, source: null })
  }
  for (const one of read) take(one, 'chain')
  for (const one of recorded) take(one, 'record')
  const known = [...found.values()].filter(({ earning }) => isKnown(earning))
  const first = Math.min(to, ...known.map(({ earning }) => earning.epoch))
  // A chain that lost nothing and tells of fewer than it was asked for has had no earlier epoch.
  const tellsAll = read[0] !== undefined && isKnown(read[0]) && read.length < asked
  const begins = tellsAll ? Math.min(read[0]!.epoch, first) : 0
  const oldest = Math.max(from, begins)
  const start = known.length === 0 ? to : Math.max(oldest, first - 1)
  const items = Array.from({ length: Math.max(0, to - start + 1) }, (_, at): SourcedEarning => {
    const epoch = start + at
    return found.get(epoch) ?? { earning: { state: 'discarded', epoch, block: null }, source: null }
  })
  return { items, epochs: Math.max(0, to - oldest + 1) }
}

const ONE_ALPHA = 1_000_000_000n

/** What they add up to. */
export function totalOf({ items, epochs }: MergedEarnings): EarningsTotal {
  const read = items.flatMap(({ earning }) => (earning.state === 'read' ? [earning] : []))
  const unregistered = items.filter(({ earning }) => earning.state === 'unregistered').length
  let emission = 0n
  let worth: bigint | undefined = 0n
  for (const { emission: alpha, priceRao } of read) {
    emission += alpha
    if (priceRao === undefined) worth = undefined
    else if (worth !== undefined) worth += (alpha * priceRao) / ONE_ALPHA
  }
  return {
    ...{ epochs, read: read.length, unregistered },
    unknown: epochs - read.length - unregistered,
    emission: formatTao(emission),
    worth: worth === undefined ? null : formatTao(worth),
  }
}

const NOTHING = {
  uid: null,
  emission: null,
  incentive: null,
  incentives: null,
  dividends: null,
  stake: null,
  price: null,
}

/** As it is printed. */
export function earningRow({ earning, source }: SourcedEarning): EarningRow {
  const { epoch, block, state } = earning
  if (earning.state !== 'read') return { epoch, block, state, source, ...NOTHING }
  const { uid, incentive, incentives, dividends, priceRao } = earning
  return {
    ...{ epoch, block, state, source, uid },
    emission: formatTao(earning.emission),
    ...{ incentive, incentives, dividends },
    stake: formatTao(earning.stake),
    price: priceRao === undefined ? null : formatTao(priceRao),
  }
}
