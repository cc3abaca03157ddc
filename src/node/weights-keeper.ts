import type { BlockRef } from '../chain/block-ref.ts'
import type { Chain } from '../chain/chain.ts'
import type { Hotkey } from '../chain/keys.ts'
import type { Epoch, Neuron } from '../chain/metagraph.ts'
import type { PendingWeights } from '../chain/pending-weights.ts'
import { isOver, isUnseen } from '../chain/subtensor/transaction-errors.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ChainSnapshot } from './chain-view.ts'
import type { Events } from './events.ts'
import type { UidWeights } from './scoring/uid-weights.ts'
import type { WeightsBook } from './weights-book.ts'
import { errorName, isOnChain, revealPending } from './weights-reveals.ts'

export interface WeightsKeeperNeeds {
  readonly netuid: number
  readonly hotkey: Hotkey
  readonly book: WeightsBook
  readonly log: Log
  readonly events: Pick<Events, 'emit'>
  /** The chain while there is a connection. */
  readonly chain: () => Chain | undefined
  readonly snapshot: () => ChainSnapshot | undefined
  /** What the evidence says now. */
  readonly wanted: (snapshot: ChainSnapshot) => UidWeights
  /** Uids of bound hotkeys, which take the padding of a row that is too short. */
  readonly boundUids: (snapshot: ChainSnapshot) => readonly number[]
}

/** Sets one hotkey's weights once in each epoch, and reveals what it committed. */
export interface WeightsKeeper {
  /** Does what can be done now; to be called every block or so, never twice at once. */
  turn(): Promise<void>
}

/** An epoch in which this validator has to set weights: done, or why not yet. */
interface Duty {
  readonly epoch: number
  reason: string | undefined
  /** Not to be tried before this block. */
  retryAt: number
  warned: boolean
}

/** The next step for whoever reads a reason. */
const ADVICE: Readonly<Record<string, string>> = {
  UNREGISTERED: 'register the hotkey: compute-node chain register',
  NO_PERMIT: 'wait for the next epoch; if it comes without a permit, stake more',
  LOW_STAKE: 'stake more: compute-node chain register --stake TAO',
  NO_EVIDENCE: 'wait until slots of miners were checked',
  NO_BURN_UID: 'wait: no miner has earned anything yet; compute-node score says what each lacks',
  CHAIN_UNREACHABLE: 'check --chain and the line to it; it is tried again every block',
  CHAIN_TIMEOUT: 'wait: whether it got in is read from the chain',
  BAD_ROW: 'read the hyperparameters of the subnet: compute-node chain weights',
}

/** With less than this part of an epoch left, an owner is warned. */
const NEAR_SHARE = 0.1
const NEAR_BLOCKS = 3

/**
 * The work of a validator's weights, one `turn` at a time. What is sent stands in `book` before, signed, so that a process
 * that dies anywhere goes on where it was: a transaction that was kept and is not on chain is sent again as it was, one
 * that stands there is not repeated, and each commit is revealed once.
 */
export function createWeightsKeeper(needs: WeightsKeeperNeeds): WeightsKeeper {
  const { netuid, hotkey, book, log, events } = needs
  let duty: Duty | undefined

  /** Notes why nothing was sent, once per reason. */
  function wait(current: Duty, reason: string, fields: { message?: string } = {}): void {
    if (current.reason === reason) return
    current.reason = reason
    const told = { epoch: current.epoch, reason, next: ADVICE[reason] ?? '', ...fields }
    log.info('weights-wait', told)
    events.emit('weights-waiting', told)
  }

  /** The duty of this epoch; tells of the one before when it was not done. */
  async function dutyOf(epoch: number): Promise<Duty> {
    if (duty?.epoch === epoch) return duty
    if (duty?.reason !== undefined) {
      log.warn('weights-missed', { epoch: duty.epoch, reason: duty.reason })
      events.emit('weights-missed', { epoch: duty.epoch, reason: duty.reason })
    }
    const last = await book.last()
    const reason = last !== undefined && last.epoch >= epoch ? undefined : 'NEW_EPOCH'
    duty = { epoch, reason, retryAt: 0, warned: false }
    return duty
  }

  /** Warns once when an epoch ends soon and its weights are not set. */
  function warnWhenNear(current: Duty, { tempo, blocksLeft }: Epoch): void {
    const { epoch, reason } = current
    if (current.warned || reason === undefined) return
    if (blocksLeft > Math.max(NEAR_BLOCKS, tempo * NEAR_SHARE)) return
    current.warned = true
    const told = { epoch, blocksLeft, reason, next: ADVICE[reason] ?? '' }
    log.warn('weights-near', told)
    events.emit('weights-near', told)
  }

  async function set(chain: Chain, snapshot: ChainSnapshot, current: Duty, me: Neuron) {
    const wanted = await wantedWeights(needs, snapshot, me.lastUpdate)
    if (typeof wanted === 'string') return wait(current, wanted)
    const pad = needs.boundUids(snapshot)
    let kept: PendingWeights | undefined
    const keep = async (pending: PendingWeights): Promise<void> => {
      kept = pending
      await book.keep(pending)
    }
    try {
      const outcome = await chain.submitWeights(netuid, hotkey, wanted, { pad, keep })
      if (outcome.kind === 'skipped') {
        current.retryAt = outcome.retryAtBlock ?? 0
        return wait(current, outcome.reason, { message: outcome.message })
      }
      await done(current, outcome, me.uid)
      if (outcome.kind === 'direct' && kept !== undefined) await book.drop(kept)
    } catch (error) {
      if (kept !== undefined && isRefusal(error)) await book.drop(kept)
      throw error
    }
  }

  async function done(
    current: Duty,
    { kind, block, weights }: Pick<SetOutcome, 'kind' | 'block' | 'weights'>,
    uid: number,
  ): Promise<void> {
    await book.done({ epoch: current.epoch, row: weights })
    current.reason = undefined
    events.emit('weights-set', {
      epoch: current.epoch,
      uid,
      block: block.number,
      how: kind,
      weights: weights.map(([one, weight]) => `${one}=${weight}`).join(' '),
    })
  }

  /**
   * Weights of this epoch that were kept before a crash or a lost answer: they count, or go out once more as they were.
   * False when they can do neither any more.
   */
  async function finish(
    chain: Chain,
    pending: PendingWeights,
    current: Duty,
    uid: number,
  ): Promise<boolean> {
    const weights = pending.uids.map((one, i) => [one, pending.values[i]!] as const)
    try {
      const block = await blockOf(chain, pending)
      if (block !== undefined) await done(current, { kind: pending.way, block, weights }, uid)
      if (block === undefined || pending.way === 'direct') await book.drop(pending)
      return block !== undefined
    } catch (error) {
      if (isRefusal(error)) await book.drop(pending)
      throw error
    }
  }

  async function blockOf(chain: Chain, pending: PendingWeights): Promise<BlockRef | undefined> {
    try {
      if (pending.signed !== undefined) return (await chain.resume(pending.signed))?.block
    } catch (error) {
      if (!isUnseen(error)) throw error
    }
    // Its block cannot be read any more, and no later one takes it: what the chain holds now tells whether it counts.
    return (await isOnChain({ chain, netuid, hotkey }, pending)) ? chain.head() : undefined
  }

  async function fulfil(chain: Chain, snapshot: ChainSnapshot, current: Duty, epoch: Epoch) {
    if (epoch.next - epoch.blocksLeft < current.retryAt) return
    const me = snapshot.metagraph.neurons.find((one) => one.hotkey === hotkey.address)
    if (me === undefined) return wait(current, 'UNREGISTERED')
    const begun = (await book.pending()).find((one) => one.committedAt === current.epoch)
    if (begun !== undefined && (await finish(chain, begun, current, me.uid))) return
    if (!me.validatorPermit) return wait(current, 'NO_PERMIT')
    await set(chain, snapshot, current, me)
  }

  return {
    async turn() {
      const [chain, snapshot] = [needs.chain(), needs.snapshot()]
      if (chain === undefined || snapshot === undefined) return
      try {
        const epoch = await chain.epoch(netuid)
        const current = await dutyOf(epoch.index)
        await revealPending({ netuid, hotkey, book, log, events, chain, epoch })
        if (current.reason === undefined) return
        await fulfil(chain, snapshot, current, epoch)
        warnWhenNear(current, epoch)
      } catch (error) {
        if (duty?.reason !== undefined)
          return wait(duty, errorName(error), { message: messageOf(error) })
        log.info('weights-turn-failed', { reason: errorName(error), message: messageOf(error) })
      }
    },
  }
}

/** It stands in a block and failed, or can stand in none any more: what was kept will never count. */
const isRefusal = (error: unknown): boolean =>
  ['CHAIN_DISPATCH', 'CHAIN_INNER'].includes(codeOf(error)) || isOver(error)

type SetOutcome = Exclude<Awaited<ReturnType<Chain['submitWeights']>>, { readonly kind: 'skipped' }>

/**
 * What the evidence says; without any, the last row again where this validator would count as inactive within two
 * epochs (notes/scoring.md §6).
 */
async function wantedWeights(
  { wanted, book }: WeightsKeeperNeeds,
  snapshot: ChainSnapshot,
  lastUpdate: number,
): Promise<ReadonlyMap<number, number> | string> {
  const { metagraph, epoch } = snapshot
  const found = wanted(snapshot)
  if (found.kind === 'weights') return found.byUid
  const inactiveAt = lastUpdate + metagraph.activityCutoff
  const row = (await book.last())?.row
  const urgent = inactiveAt - metagraph.block.number < 2 * epoch.tempo
  return urgent && row !== undefined && row.length > 0 ? new Map(row) : found.reason
}
