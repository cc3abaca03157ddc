import type { BlockRef } from '../../chain/block-ref.ts'
import type { Chain } from '../../chain/chain.ts'
import { sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { BurnBook } from '../burn-book.ts'
import type { ChainLink } from '../chain-link.ts'
import type { ChainView } from '../chain-view.ts'
import type { Core } from '../core.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Core
  readonly chainLink: ChainLink
  readonly chainView: ChainView
  readonly burns: BurnBook | undefined
}

const RETRY_MS = secondsMs(5)
/** Between two readings of the subnet: every other block of a real chain; a devnet's come far more often. */
const EVERY_MS = { local: secondsMs(2), test: secondsMs(20), finney: secondsMs(20) } as const

/** Keeps the chain view fresh; a chain that cannot be reached is tried again and stops nothing else. */
export const followChain = ({ core, chainLink, chainView, burns }: Parts): Service => {
  const { log, events, net, nowMs } = core
  const everyMs = EVERY_MS[net.network]
  let reading = false
  let lastMs = Number.NEGATIVE_INFINITY

  async function onHead(chain: Chain, head: BlockRef): Promise<void> {
    const startMs = nowMs()
    if (reading || startMs < lastMs + everyMs) return
    reading = true
    try {
      const [best] = await Promise.all([chain.bestBlock(), chainView.refresh(chain, head)])
      lastMs = startMs
      events.emit('chain-read', {
        block: head.number,
        best,
        neurons: chainView.snapshot()!.metagraph.neurons.length,
        epoch: chainView.snapshot()!.epoch.index,
      })
      // After what everything else waits for: a first reading goes back for days.
      await burns?.follow(chain, head.number)
    } catch (error) {
      log.warn('chain-not-read', { code: codeOf(error), reason: messageOf(error) })
    } finally {
      reading = false
    }
  }

  async function connect(signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        const chain = await chainLink.connect()
        await onHead(chain, await chain.head())
        await chain.onHead((head) => void onHead(chain, head), signal)
        return
      } catch (error) {
        if (signal.aborted) return
        // Another chain than this network's is no passing trouble.
        if (codeOf(error).startsWith('BAD_CONFIG')) throw error
        const next = error instanceof NodeError ? error.next : undefined
        log.warn('chain-unreachable', { reason: messageOf(error), next })
        await sleep(RETRY_MS, signal).catch(() => undefined)
      }
    }
  }

  return {
    name: 'follow-chain',
    async start(signal) {
      // In the background: a node listens and serves while the chain's library loads.
      connect(signal).catch((error) => {
        log.error('chain-refused', error)
        events.emit('chain-refused', { code: codeOf(error), reason: messageOf(error) })
      })
    },
  }
}
