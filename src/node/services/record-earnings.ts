import { describeKey, keyPath } from '../../chain/wallet.ts'
import { every } from '../../clock.ts'
import { secondsMs } from '../../units.ts'
import type { ChainLink } from '../chain-link.ts'
import type { ChainView } from '../chain-view.ts'
import type { Core } from '../core.ts'
import { openEarningsBook } from '../earnings-book.ts'
import { createEarningsRecorder } from '../earnings-recorder.ts'
import { openNominatorsBook } from '../nominators-book.ts'
import type { Service } from '../service.ts'
import { walletPlace } from '../wallet-place.ts'

interface Parts {
  readonly core: Core
  readonly chainLink: ChainLink
  readonly chainView: ChainView
}

/** Keeps a record of what this node's hotkey earns: state that a chain's endpoint drops within hours. */
export const recordEarnings = ({ core, chainLink, chainView }: Parts): Service => ({
  name: 'record-earnings',
  async start(signal) {
    const { config, net, log, events, store, peerId } = core
    const recorder = createEarningsRecorder({
      netuid: net.netuid,
      book: openEarningsBook(store),
      nominators: openNominatorsBook(store),
      log,
      events,
      chain: () => chainLink.current(),
      epoch: () => chainView.snapshot()?.epoch.index,
      // Whom this PeerId is bound to; a validator may set weights before it is.
      hotkey: async () =>
        chainView.neuronOf(peerId)?.hotkey ??
        (await describeKey(keyPath(walletPlace(config), 'hotkey'))).address ??
        undefined,
    })
    const intervalMs = secondsMs(net.network === 'local' ? 2 : 60)
    void every(intervalMs, { signal, log, name: 'record-earnings' }, () => recorder.turn())
  },
})
