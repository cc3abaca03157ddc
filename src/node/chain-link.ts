import type { Chain } from '../chain/chain.ts'
import { NodeError } from '../errors.ts'
import type { Core } from './core.ts'

/** The one chain connection of a node: absent at first, since its library takes seconds to load. */
export interface ChainLink {
  current(): Chain | undefined
  /** Connects, once; @throws CHAIN_UNREACHABLE, BAD_CONFIG_CHAIN when that chain belongs to another network */
  connect(): Promise<Chain>
  close(): Promise<void>
}

/** The public endpoints that btcli knows. */
const ENDPOINTS = {
  finney: 'wss://entrypoint-finney.opentensor.ai:443',
  test: 'wss://test.finney.opentensor.ai:443',
  local: undefined,
} as const

/** The chain endpoint of a configuration; undefined for a local network that names none. */
export const chainUrlOf = ({ config }: Pick<Core, 'config'>): string | undefined =>
  config.chain ?? ENDPOINTS[config.network]

/** Undefined when there is no chain to ask. */
export function createChainLink({ config, net, log }: Core): ChainLink | undefined {
  const url = chainUrlOf({ config })
  if (url === undefined) return undefined
  const life = new AbortController()
  let chain: Chain | undefined
  return {
    current: () => chain,
    async connect() {
      if (chain !== undefined) return chain
      const { connectChain } = await import('../chain/subtensor.ts')
      const connected = await connectChain(url, { log: log.child('chain'), signal: life.signal })
      if (Buffer.compare(connected.genesis, net.genesis) !== 0) {
        await connected.close()
        throw new NodeError('BAD_CONFIG_CHAIN', `${url} is not the chain of ${net.name}`, {
          next: 'correct --chain, --network or --genesis',
        })
      }
      chain = connected
      return chain
    },
    async close() {
      life.abort(new NodeError('CHAIN_CLOSED', 'this node stops'))
      await chain?.close()
    },
  }
}
