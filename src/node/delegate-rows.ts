import type { Delegation } from '../chain/chain-accounts.ts'
import { NodeError } from '../errors.ts'
import { formatTao } from './format-tao.ts'
import type { SharedEpoch } from './nominators-book.ts'
import type { RecordRange } from './recorded-earnings.ts'
import type { OpenChain } from './with-chain.ts'

/** One hotkey that may be staked on, as `chain delegates --json` prints it. */
export interface DelegateRow {
  readonly uid: number
  readonly hotkey: string
  readonly owner: string | null
  /** What the owner keeps of dividends, in percent with two places. */
  readonly take: string
  readonly stake: string
  readonly nominators: number
  /** Alpha of the last epoch for all nominators together, by their stake; null where the chain keeps none. */
  readonly shared: string | null
}

/** One nominator of a hotkey, as `chain delegates HOTKEY --json` prints it. */
export interface NominatorRow {
  readonly coldkey: string
  readonly owner: boolean
  readonly stake: string
  /** Of all stake on the hotkey, in percent with two places. */
  readonly share: string
  /** Alpha that the last epoch gave it, but for the owner's take; null where the chain keeps none. */
  readonly earned: string | null
  /** What the node of this data folder wrote down of the newest epochs; null where it wrote down nothing. */
  readonly recorded: RecordedShares | null
}

/** Alpha that one nominator earned in epochs that were written down. */
export interface RecordedShares {
  readonly total: string
  /** Oldest first. */
  readonly epochs: readonly { readonly epoch: number; readonly earned: string }[]
}

/** What `chain delegates HOTKEY --json` prints. */
export interface DelegateResult extends Omit<DelegateRow, 'uid' | 'nominators'> {
  readonly block: number
  readonly items: readonly NominatorRow[]
}

/** Epochs of a record that are shown. */
const RECORDED_EPOCHS = 1000

/** Chains are asked about so many hotkeys at a time. */
const AT_ONCE = 8

/** Hotkeys with stake, the most first. */
export async function delegateRows({ chain, net }: OpenChain): Promise<DelegateRow[]> {
  const { netuid, block, neurons } = await chain.metagraph(net.netuid)
  const staked = neurons.filter(({ stake }) => stake > 0n)
  const found: { readonly uid: number; readonly delegation: Delegation }[] = []
  for (let at = 0; at < staked.length; at += AT_ONCE) {
    const some = staked.slice(at, at + AT_ONCE).map(async ({ uid, hotkey }) => ({
      uid,
      delegation: await chain.delegation(netuid, hotkey, block.number),
    }))
    found.push(...(await Promise.all(some)))
  }
  return found
    .toSorted((a, b) => Number(b.delegation.stake - a.delegation.stake))
    .map(({ uid, delegation }) => ({
      uid,
      ...headOf(delegation),
      nominators: delegation.nominators.length,
    }))
}

/**
 * Who staked on a hotkey, and what the last epoch gave them; `sharesOf` reads what a node wrote down.
 * @throws NOTHING_MATCHED when nobody registered it, nor staked on it
 */
export async function oneDelegate(
  { chain, net }: OpenChain,
  hotkey: string,
  sharesOf: (range: RecordRange) => Promise<readonly SharedEpoch[] | undefined>,
): Promise<DelegateResult> {
  const delegation = await chain.delegation(net.netuid, hotkey)
  if (delegation.stake === 0n && delegation.owner === undefined)
    throw new NodeError('NOTHING_MATCHED', `nobody registered ${hotkey}, and nobody staked on it`, {
      next: 'compute-node chain delegates lists who may be staked on',
    })
  const { index: to } = await chain.epoch(net.netuid)
  const range = { hotkey, from: Math.max(0, to - RECORDED_EPOCHS + 1), to }
  const items = nominatorRows(delegation, (await sharesOf(range)) ?? [])
  return { ...headOf(delegation), block: delegation.block, items }
}

const headOf = ({ hotkey, owner, take, stake, shared }: Delegation) => ({
  hotkey,
  owner: owner ?? null,
  take: percentOf(BigInt(take), 65_535n),
  stake: formatTao(stake),
  shared: shared === undefined ? null : formatTao(shared),
})

/** What each has and had of what epochs shared out; who has nothing left and is in the record comes last. */
export function nominatorRows(
  { owner, stake, shared, nominators }: Delegation,
  record: readonly SharedEpoch[],
): NominatorRow[] {
  const recorded = sharesByColdkey(record)
  const there = new Set(nominators.map(({ coldkey }) => coldkey))
  const gone = [...recorded.keys()].filter((coldkey) => !there.has(coldkey))
  const all = [...nominators, ...gone.map((coldkey) => ({ coldkey, stake: 0n }))]
  return all.map((one) => ({
    coldkey: one.coldkey,
    owner: one.coldkey === owner,
    stake: formatTao(one.stake),
    share: percentOf(one.stake, stake),
    earned: shared === undefined || stake === 0n ? null : formatTao((shared * one.stake) / stake),
    recorded: recorded.get(one.coldkey) ?? null,
  }))
}

function sharesByColdkey(record: readonly SharedEpoch[]): Map<string, RecordedShares> {
  const found = new Map<string, { epoch: number; alpha: bigint }[]>()
  for (const { epoch, shares } of record)
    for (const [coldkey, alpha] of shares) {
      const list = found.get(coldkey)
      if (list === undefined) found.set(coldkey, [{ epoch, alpha }])
      else list.push({ epoch, alpha })
    }
  const totalOf = (list: readonly { readonly alpha: bigint }[]): string =>
    formatTao(list.reduce((sum, { alpha }) => sum + alpha, 0n))
  return new Map(
    [...found].map(([coldkey, list]) => {
      const epochs = list.map(({ epoch, alpha }) => ({ epoch, earned: formatTao(alpha) }))
      return [coldkey, { total: totalOf(list), epochs }] as const
    }),
  )
}

/** In percent with two places, rounded down. */
function percentOf(part: bigint, whole: bigint): string {
  if (whole === 0n) return '0.00'
  const hundredths = (part * 10_000n) / whole
  return `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`
}
