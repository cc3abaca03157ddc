import type { BeaconInfo } from '../beacon.ts'
import { isDevGenesis } from '../chain/dev/header.ts'
import { type DevLedgerRail, openDevLedger } from '../chain/dev-ledger.ts'
import { devChainInfo, followPulses, type RawPulse } from '../chain/pulses.ts'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import type { Core } from './core.ts'
import type { PulseSource } from './services/relay-pulses.ts'

/** What the embedded chain of a local network gives besides its registry: a beacon and a ledger. */
export interface DevChain {
  readonly beacon: BeaconInfo
  readonly pulseSource: PulseSource
  readonly ledger: DevLedgerRail
  /** As the chain states and proves it. */
  readonly genesis: Uint8Array
}

/**
 * The embedded chain of this node's local network; undefined where there is none. A node that only rents or relays
 * goes on without one that does not answer; a miner or validator cannot.
 * @throws CHAIN_UNREACHABLE, CHAIN_UNSUPPORTED; BAD_CONFIG_CHAIN when it is the chain of another network
 */
export async function openDevChain(
  core: Core,
  stack: AsyncDisposableStack,
): Promise<DevChain | undefined> {
  const { config, net, log } = core
  const { roles } = config
  const [url] = config.chain
  if (net.network !== 'local' || url === undefined) return undefined
  try {
    return await open(core, url, stack)
  } catch (error) {
    const needed = roles.includes('miner') || roles.includes('validator')
    if (needed || !codeOf(error).startsWith('CHAIN_')) throw error
    log.warn('chain-unreachable', { url, reason: messageOf(error) })
    return undefined
  }
}

async function open(core: Core, url: string, stack: AsyncDisposableStack): Promise<DevChain> {
  const { net, key, log } = core
  const life = new AbortController()
  stack.defer(() => life.abort(new Error('this node stops')))
  const { genesis, stateRoot, beacon } = await devChainInfo(url, AbortSignal.timeout(10_000))
  if (Buffer.compare(genesis, net.genesis) !== 0 || !isDevGenesis(genesis, stateRoot)) {
    throw new NodeError('BAD_CONFIG_CHAIN', `${url} is not the embedded chain of ${net.name}`, {
      next: 'correct --chain or --genesis',
    })
  }
  const ledger = await openDevLedger({ url, genesis: net.genesis, key, signal: life.signal })
  return {
    beacon,
    genesis,
    ledger,
    pulseSource: {
      async follow(sink, signal) {
        const onPulse = (pulse: RawPulse): void => {
          sink.take(pulse).catch((error) => log.error('pulse-not-taken', error))
        }
        followPulses(url, onPulse, { log: log.child('pulses'), signal }).catch((error) => {
          if (!signal.aborted) log.error('pulses-ended', error)
        })
      },
    },
  }
}
