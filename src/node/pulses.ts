import { type BeaconInfo, QUICKNET } from '../beacon.ts'
import { fetchPastRound, QUICKNET_CHAIN_HASH } from '../chain/drand.ts'
import { followDrand } from '../chain/follow-drand.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import { createPulseVerifier } from '../pulse-verifier.ts'
import type { Core } from './core.ts'
import { createPulseBook, type PulseBook } from './pulse-book.ts'
import type { PulseSource } from './services/relay-pulses.ts'

/** Opens the book of a beacon's pulses; its thread starts with the first pulse and ends with `stack`. */
export function openPulseBook(
  { net, log, nowMs }: Pick<Core, 'net' | 'log' | 'nowMs'>,
  beacon: BeaconInfo,
  stack: AsyncDisposableStack,
): PulseBook {
  const own = log.child('pulses')
  const verifier = stack.use(createPulseVerifier(beacon, own))
  const slots = slotNetworks[net.network]
  return createPulseBook({ beacon, slots, verifier, nowMs, log: own })
}

/**
 * The public beacon's servers as a source, on networks whose slots use it; undefined where `--drand` names none: the
 * node then lives from what others gossip.
 */
export function drandSource({ config, log, nowMs }: Core): PulseSource | undefined {
  const own = log.child('pulses')
  if (config.drand.length === 0) {
    own.warn('no-pulse-source', { next: 'name a server with --drand, or rely on other nodes' })
    return undefined
  }
  const from = { urls: config.drand, chainHash: QUICKNET_CHAIN_HASH, beacon: QUICKNET }
  return {
    follow: (sink, signal) => followDrand(sink, { ...from, log: own, nowMs }, signal),
    async pulse(round, signal) {
      const signature = await fetchPastRound({ ...from, round }, signal)
      return signature === undefined ? undefined : { round, signature }
    },
  }
}
