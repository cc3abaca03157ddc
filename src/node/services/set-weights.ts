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
import { openWeightsBook } from '../weights-book.ts'
import { createWeightsKeeper } from '../weights-keeper.ts'

interface Parts {
  readonly core: Core
  readonly chainLink: ChainLink
  readonly chainView: ChainView
  readonly scores: Scores
}

/**
 * Sets this validator's weights once per epoch and reveals what it committed. An epoch that passes without is told as
 * `weights-missed` with its reason; what was done survives a crash.
 */
export const setWeights = ({ core, chainLink, chainView, scores }: Parts): Service => {
  const { config, net, log, events, store } = core

  function boundUids({ metagraph }: ChainSnapshot): readonly number[] {
    const bound = chainView.boundPeers().map((peerId) => chainView.neuronOf(peerId)?.uid)
    const uids = metagraph.neurons.map(({ uid }) => uid)
    return uids.filter((uid) => bound.includes(uid))
  }

  return {
    name: 'set-weights',
    async start(signal) {
      const hotkey = await ownHotkey()
      if (hotkey === undefined) return
      const keeper = createWeightsKeeper({
        netuid: net.netuid,
        hotkey,
        book: openWeightsBook(store),
        log,
        events,
        chain: () => chainLink.current(),
        snapshot: () => chainView.snapshot(),
        wanted: ({ metagraph }) =>
          uidWeights(scores.current(), metagraph.neurons, metagraph.ownerUid),
        boundUids,
      })
      const intervalMs = secondsMs(net.network === 'local' ? 1 : 12)
      void every(intervalMs, { signal, log, name: 'set-weights' }, () => keeper.turn())
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
