import type { Chain, Epoch, Neuron, PendingReveal } from '../chain/chain.ts'
import type { Hotkey } from '../chain/keys.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ChainSnapshot } from './chain-view.ts'
import type { Events } from './events.ts'
import type { UidWeights } from './scoring/uid-weights.ts'
import type { WeightsBook } from './weights-book.ts'
import { errorName, revealHash, revealPending } from './weights-reveals.ts'

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
  CHAIN_UNREACHABLE: 'check --chain and the line to it; it is tried again every block',
  CHAIN_TIMEOUT: 'wait: whether it got in is read from the chain',
  BAD_ROW: 'read the hyperparameters of the subnet: compute-node chain weights',
}

/** With less than this part of an epoch left, an owner is warned. */
const NEAR_SHARE = 0.1
const NEAR_BLOCKS = 3

/**
 * The work of a validator's weights, one `turn` at a time. What must not be forgotten stands in `book` before
 * anything is sent, so that a process that dies anywhere goes on where it was: a commit that was kept and is not on
 * chain is sent again as it was, one that stands there is not repeated, and each is revealed once.
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
    const outcome = await chain.submitWeights(netuid, hotkey, wanted, {
      pad,
      keep: book.keepReveal,
    })
    if (outcome.kind !== 'skipped') return done(current, outcome, me.uid)
    current.retryAt = outcome.retryAtBlock ?? 0
    wait(current, outcome.reason, { message: outcome.message })
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

  /** A commit of this epoch that was kept before a crash or a lost answer: it counts, or goes out once more. */
  async function finishCommit(chain: Chain, pending: PendingReveal, current: Duty, uid: number) {
    const windows = await chain.commitWindows(netuid, hotkey.address)
    const found = windows.some((one) => one.hash === revealHash(hotkey, pending))
    const weights = pending.uids.map((one, i) => [one, pending.values[i]!] as const)
    try {
      const block = found ? await chain.head() : (await chain.commitWeights(hotkey, pending)).block
      await done(current, { kind: 'hash', block, weights }, uid)
    } catch (error) {
      // The subnet shows its weights meanwhile: this one will never be asked for.
      if (errorName(error) === 'CommitRevealDisabled') await book.dropReveal(pending)
      throw error
    }
  }

  async function fulfil(chain: Chain, snapshot: ChainSnapshot, current: Duty, epoch: Epoch) {
    if (epoch.next - epoch.blocksLeft < current.retryAt) return
    const me = snapshot.metagraph.neurons.find((one) => one.hotkey === hotkey.address)
    if (me === undefined) return wait(current, 'UNREGISTERED')
    const begun = (await book.reveals()).find((one) => one.committedAt === current.epoch)
    if (begun !== undefined) return finishCommit(chain, begun, current, me.uid)
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
