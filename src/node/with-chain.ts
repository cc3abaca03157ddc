import type { Chain } from '../chain/chain.ts'
import { isDevGenesis } from '../chain/dev/header.ts'
import { devChainInfo } from '../chain/pulses.ts'
import { connectChain } from '../chain/subtensor.ts'
import { codeOf, NodeError } from '../errors.ts'
import { createNetwork, type Network } from '../protocols/network.ts'
import { chainUrlsOf } from './chain-link.ts'
import type { CommandContext } from './commands/command.ts'
import { createLog } from './log-to-stderr.ts'
import { networkOf } from './network-of.ts'

/** A chain as a command works with it. */
export interface OpenChain {
  readonly chain: Chain
  /** The market whose chain it is. */
  readonly net: Network
}

/**
 * Runs a command's work on the configured chain and closes it afterwards. A local network that was told no genesis
 * takes that of its chain.
 * @throws BAD_CONFIG_CHAIN without an endpoint or for another network's; CHAIN_UNREACHABLE
 */
export async function withChain<T>(
  { config, signal }: CommandContext,
  work: (open: OpenChain) => Promise<T>,
): Promise<T> {
  const urls = chainUrlsOf({ config })
  if (urls.length === 0) {
    throw new NodeError('BAD_CONFIG_CHAIN', 'no chain to ask: a local network names its own', {
      next: 'give --chain ws://127.0.0.1:9944, or --data-dir of a devnet node',
    })
  }
  const log = createLog({ level: config.logLevel, json: config.json })
  const net =
    config.network === 'local' && config.genesis === undefined ? undefined : networkOf(config)
  const chain = await connectChain(urls, { log, signal, failFast: true, genesis: net?.genesis })
  try {
    const { network, netuid } = config
    return await work({ chain, net: net ?? createNetwork(network, netuid, chain.genesis) })
  } finally {
    await chain.close()
  }
}

/** Whether a chain is the embedded one, as it proves itself; never true of a real chain. */
export async function isEmbedded({ chain, net }: OpenChain): Promise<boolean> {
  if (net.network !== 'local') return false
  try {
    return isDevGenesis(chain.genesis, (await devChainInfo(chain.info().endpoint)).stateRoot)
  } catch (error) {
    if (codeOf(error) === 'CHAIN_UNSUPPORTED') return false
    throw error
  }
}
