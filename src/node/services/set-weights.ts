import type { Chain, WeightRow } from '../../chain/chain.ts'
import type { Hotkey } from '../../chain/keys.ts'
import { loadHotkey } from '../../chain/wallet.ts'
import { every } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { ChainLink } from '../chain-link.ts'
import type { ChainSnapshot, ChainView } from '../chain-view.ts'
import type { Core } from '../core.ts'
import type { Scores } from '../scores.ts'
import { uidWeights } from '../scoring/uid-weights.ts'
import type { Service } from '../service.ts'
import { walletPlace } from '../wallet-place.ts'
import { openWeightsBook, type WeightsBook } from '../weights-book.ts'

interface Parts {
  readonly core: Core
  readonly chainLink: ChainLink
  readonly chainView: ChainView
  readonly scores: Scores
}

/** An epoch in which this validator has to set weights: done, or why not yet. */
interface Duty {
  readonly epoch: number
  reason: string | undefined
}

/**
 * Sets this validator's weights once per epoch and reveals what it committed. An epoch that passes without is told as
 * `weights-missed` with its reason; what was done survives a crash.
 */
export const setWeights = ({ core, chainLink, chainView, scores }: Parts): Service => {
  const { config, net, log, events, store } = core
  let duty: Duty | undefined

  /** Notes why nothing was sent, once per reason. */
  function wait(current: Duty, reason: string, fields: Record<string, string> = {}): void {
    if (current.reason === reason) return
    current.reason = reason
    log.info('weights-wait', { epoch: current.epoch, reason, ...fields })
    events.emit('weights-waiting', { epoch: current.epoch, reason, ...fields })
  }

  /** The duty of this epoch; tells of the one before when it was not done. */
  async function dutyOf(epoch: number, book: WeightsBook): Promise<Duty> {
    if (duty?.epoch === epoch) return duty
    if (duty?.reason !== undefined) {
      log.warn('weights-missed', { epoch: duty.epoch, reason: duty.reason })
      events.emit('weights-missed', { epoch: duty.epoch, reason: duty.reason })
    }
    const last = await book.last()
    duty = { epoch, reason: last !== undefined && last.epoch >= epoch ? undefined : 'NEW_EPOCH' }
    return duty
  }

  async function turn(hotkey: Hotkey, book: WeightsBook): Promise<void> {
    const [chain, snapshot] = [chainLink.current(), chainView.snapshot()]
    if (chain === undefined || snapshot === undefined) return
    await reveal(chain, snapshot, hotkey, book)
    const current = await dutyOf(snapshot.epoch.index, book)
    if (current.reason === undefined) return
    const me = snapshot.metagraph.neurons.find(({ hotkey: one }) => one === hotkey.address)
    if (me === undefined) return wait(current, 'UNREGISTERED', { hotkey: hotkey.address })
    if (!me.validatorPermit) return wait(current, 'NO_PERMIT')
    const wanted = await wantedWeights(snapshot, me.lastUpdate, book)
    if (typeof wanted === 'string') return wait(current, wanted)
    try {
      await send(chain, snapshot, hotkey, wanted, book)
      current.reason = undefined
    } catch (error) {
      const reason = (error instanceof NodeError && error.details['error']) || codeOf(error)
      wait(current, String(reason), { message: messageOf(error) })
    }
  }

  /** What the evidence says; without any, the last row again before this validator would count as inactive. */
  async function wantedWeights(
    { metagraph, epoch }: ChainSnapshot,
    lastUpdate: number,
    book: WeightsBook,
  ): Promise<ReadonlyMap<number, number> | string> {
    const wanted = uidWeights(scores.current(), metagraph.neurons, metagraph.ownerUid)
    if (wanted.kind === 'weights') return wanted.byUid
    const inactiveAt = lastUpdate + metagraph.activityCutoff
    const row = (await book.last())?.row
    const urgent = inactiveAt - metagraph.block.number < 2 * epoch.tempo
    return urgent && row !== undefined && row.length > 0 ? new Map(row) : wanted.reason
  }

  async function send(
    chain: Chain,
    { epoch }: ChainSnapshot,
    hotkey: Hotkey,
    weights: ReadonlyMap<number, number>,
    book: WeightsBook,
  ): Promise<void> {
    const keep = book.keepReveal
    const outcome = await chain.submitWeights(net.netuid, hotkey, weights, { keep })
    if (outcome.kind === 'skipped')
      throw new NodeError('FAILED_WEIGHTS', outcome.message, { error: outcome.reason })
    await book.done({ epoch: epoch.index, row: outcome.weights })
    events.emit('weights-set', {
      epoch: epoch.index,
      uid: uidText(chainView, hotkey),
      block: outcome.block.number,
      how: outcome.kind,
      weights: rowText(outcome.weights),
    })
  }

  /** Opens what was committed in an earlier epoch; what the chain no longer takes is told and dropped. */
  async function reveal(
    chain: Chain,
    { epoch }: ChainSnapshot,
    hotkey: Hotkey,
    book: WeightsBook,
  ): Promise<void> {
    for (const pending of await book.reveals()) {
      if (epoch.index <= pending.committedAt) continue
      try {
        const { block } = await chain.revealWeights(hotkey, pending)
        await book.dropReveal(pending)
        events.emit('weights-revealed', { epoch: epoch.index, block: block.number })
      } catch (error) {
        const name = error instanceof NodeError ? error.details['error'] : undefined
        if (name === 'RevealTooEarly' || codeOf(error) !== 'CHAIN_DISPATCH') return
        await book.dropReveal(pending)
        log.warn('weights-reveal-lost', { epoch: pending.committedAt, reason: String(name) })
        events.emit('weights-reveal-lost', { epoch: pending.committedAt, reason: String(name) })
      }
    }
  }

  return {
    name: 'set-weights',
    async start(signal) {
      const hotkey = await ownHotkey()
      if (hotkey === undefined) return
      const book = openWeightsBook(store)
      const intervalMs = secondsMs(net.network === 'local' ? 1 : 12)
      void every(intervalMs, { signal, log, name: 'set-weights' }, () => turn(hotkey, book))
    },
  }

  /** A validator without a key of its own still checks and testifies; that it sets no weights is said. */
  async function ownHotkey(): Promise<Hotkey | undefined> {
    try {
      return await loadHotkey(walletPlace(config))
    } catch (error) {
      if (codeOf(error) !== 'BAD_CONFIG_WALLET') throw error
      const next = error instanceof NodeError ? error.next : undefined
      log.warn('no-weights-without-hotkey', { reason: messageOf(error), next })
      events.emit('weights-waiting', { reason: 'NO_WALLET', message: messageOf(error) })
      return undefined
    }
  }
}

const uidText = (view: ChainView, hotkey: Hotkey): number =>
  view.snapshot()?.metagraph.neurons.find(({ hotkey: one }) => one === hotkey.address)?.uid ?? -1

/** A row for people and logs: `1=65535 2=13107`. */
const rowText = (row: WeightRow): string => row.map(([uid, weight]) => `${uid}=${weight}`).join(' ')
