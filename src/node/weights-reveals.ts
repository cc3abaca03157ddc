import type { Chain } from '../chain/chain.ts'
import type { CommitWindow } from '../chain/chain-weights.ts'
import { toHex } from '../chain/hex.ts'
import type { Hotkey } from '../chain/keys.ts'
import type { Epoch } from '../chain/metagraph.ts'
import type { PendingReveal, PendingTimelock, PendingWeights } from '../chain/pending-weights.ts'
import { commitHash } from '../chain/subtensor/submit-weights.ts'
import { codeOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Events } from './events.ts'
import type { WeightsBook } from './weights-book.ts'

interface Revealing {
  readonly netuid: number
  readonly hotkey: Hotkey
  readonly book: WeightsBook
  readonly log: Log
  readonly events: Pick<Events, 'emit'>
  readonly chain: Chain
  readonly epoch: Epoch
}

/**
 * Opens every kept commit whose window is open, as the chain itself tells its windows, and sees what became of those that
 * the chain opens. One that is no longer on chain was revealed, before a crash or by an answer that was lost, or never got
 * there: the row on chain tells which.
 */
export async function revealPending(revealing: Revealing): Promise<void> {
  const kept = await revealing.book.pending()
  const hashed = kept.filter((one) => one.way === 'hash')
  const timelocked = kept.filter((one) => one.way === 'timelock')
  if (hashed.length > 0) await revealHashed(revealing, hashed)
  if (timelocked.length > 0) await followTimelocked(revealing, timelocked)
  // What was sent openly in an epoch that is over needs nothing any more.
  for (const one of kept)
    if (one.way === 'direct' && one.committedAt < revealing.epoch.index)
      await revealing.book.drop(one)
}

async function revealHashed(revealing: Revealing, kept: readonly PendingReveal[]): Promise<void> {
  const { netuid, hotkey, chain, epoch } = revealing
  const windows = await chain.commitWindows(netuid, hotkey.address)
  for (const pending of kept) {
    const window = windows.find(({ hash }) => hash === revealHash(hotkey, pending))
    if (window === undefined && pending.committedAt === epoch.index) continue // still to be sent
    await judge(revealing, pending, window)
  }
}

/** Tells of those that the chain has opened, and of those that it dropped: their pulse came too late, or never. */
async function followTimelocked(
  revealing: Revealing,
  kept: readonly PendingTimelock[],
): Promise<void> {
  const { netuid, chain, epoch } = revealing
  const commits = await chain.timelockedCommits(netuid)
  const under = new Set(commits.filter(({ state }) => state !== 'expired').map(({ hash }) => hash))
  for (const pending of kept) {
    if (under.has(pending.hash) || pending.committedAt === epoch.index) continue
    if (await standsOnChain(revealing, pending)) await revealed(revealing, pending)
    else if (pending.committedAt + 1 < epoch.index) await lost(revealing, pending, NOT_OPENED)
  }
}

const NOT_OPENED = 'TimelockNotOpened'

/** The hash under which a kept commit stands on chain. */
export const revealHash = (hotkey: Hotkey, pending: PendingReveal): string =>
  toHex(commitHash(hotkey.publicKey, pending))

async function judge(
  revealing: Revealing,
  pending: PendingReveal,
  window: CommitWindow | undefined,
): Promise<void> {
  if (window?.state === 'early') return
  if (window?.state === 'open') return reveal(revealing, pending)
  if (window?.state === 'expired') return lost(revealing, pending, 'ExpiredWeightCommit')
  if (await standsOnChain(revealing, pending)) return revealed(revealing, pending)
  // What was sent at the end of its epoch may still get into a block of the next.
  if (pending.committedAt + 1 >= revealing.epoch.index) return
  await lost(revealing, pending, 'NoWeightsCommitFound')
}

/** A refusal by the runtime is judged again at the next turn, when its windows were read anew. */
async function reveal(revealing: Revealing, pending: PendingReveal): Promise<void> {
  try {
    const { block } = await revealing.chain.revealWeights(revealing.hotkey, pending)
    await revealed(revealing, pending, block.number)
  } catch (error) {
    const { log } = revealing
    log.info('weights-reveal-failed', { epoch: pending.committedAt, reason: errorName(error) })
    if (FINAL.has(errorName(error))) await lost(revealing, pending, errorName(error))
    else if (codeOf(error) === 'CHAIN_UNREACHABLE') throw error
  }
}

/** Refusals that no later block takes back. */
const FINAL: ReadonlySet<string> = new Set([
  'ExpiredWeightCommit',
  'CommitRevealDisabled',
  'IncorrectWeightVersionKey',
])

/** Whether weights of this epoch, or the commit that hides them, are what the chain holds of this hotkey now. */
export async function isOnChain(
  at: Pick<Revealing, 'chain' | 'netuid' | 'hotkey'>,
  pending: PendingWeights,
): Promise<boolean> {
  const { chain, netuid, hotkey } = at
  if (pending.way === 'hash') {
    const windows = await chain.commitWindows(netuid, hotkey.address)
    return windows.some(({ hash }) => hash === revealHash(hotkey, pending))
  }
  if (pending.way === 'timelock') {
    const commits = await chain.timelockedCommits(netuid)
    return commits.some(({ hash }) => hash === pending.hash)
  }
  const { lastUpdate } = await chain.weightRules(netuid, hotkey.address)
  // The same row may stand there since an earlier epoch.
  return lastUpdate > (pending.signed?.since ?? lastUpdate) && (await standsOnChain(at, pending))
}

async function standsOnChain(
  { chain, netuid, hotkey }: Pick<Revealing, 'chain' | 'netuid' | 'hotkey'>,
  { uids, values }: PendingWeights,
): Promise<boolean> {
  const { uid } = await chain.weightRules(netuid, hotkey.address)
  const row = uid === undefined ? undefined : (await chain.weights(netuid)).get(uid)
  if (row === undefined || row.length !== uids.length) return false
  return row.every(([one, weight], i) => one === uids[i] && weight === values[i])
}

async function revealed(
  { book, events, epoch }: Revealing,
  pending: PendingReveal | PendingTimelock,
  block?: number,
): Promise<void> {
  await book.drop(pending)
  events.emit('weights-revealed', { epoch: epoch.index, block })
}

async function lost(
  { book, log, events }: Revealing,
  pending: PendingReveal | PendingTimelock,
  reason: string,
): Promise<void> {
  await book.drop(pending)
  log.warn('weights-reveal-lost', { epoch: pending.committedAt, reason })
  events.emit('weights-reveal-lost', { epoch: pending.committedAt, reason })
}

/** The runtime's own name of a refusal, else the code. */
export function errorName(error: unknown): string {
  const name = error instanceof NodeError ? error.details['error'] : undefined
  return String(name ?? codeOf(error))
}
