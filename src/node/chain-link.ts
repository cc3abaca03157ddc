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
  finney: ['wss://entrypoint-finney.opentensor.ai:443'],
  test: ['wss://test.finney.opentensor.ai:443'],
  local: [],
} as const

/** The chain endpoints of a configuration, in order of preference; none for a local network that names none. */
export const chainUrlsOf = ({ config }: Pick<Core, 'config'>): readonly string[] =>
  config.chain.length > 0 ? config.chain : ENDPOINTS[config.network]

/** Undefined when there is no chain to ask. */
export function createChainLink({ config, net, log }: Core): ChainLink | undefined {
  const urls = chainUrlsOf({ config })
  if (urls.length === 0) return undefined
  const life = new AbortController()
  let chain: Chain | undefined
  return {
    current: () => chain,
    async connect() {
      if (chain !== undefined) return chain
      const { connectChain } = await import('../chain/subtensor.ts')
      const options = { log: log.child('chain'), signal: life.signal, genesis: net.genesis }
      chain = await connectChain(urls, options)
      return chain
    },
    async close() {
      life.abort(new NodeError('CHAIN_CLOSED', 'this node stops'))
      await chain?.close()
    },
  }
}
