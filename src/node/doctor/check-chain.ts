import { toHex } from '../../chain/hex.ts'
import { Endpoints } from '../../chain/subtensor/endpoints.ts'
import { messageOf } from '../../errors.ts'
import { silent } from '../../log.ts'
import { chainUrlsOf } from '../chain-link.ts'
import type { Config } from '../config.ts'
import { networkOf } from '../network-of.ts'
import { type Finding, finding } from './finding.ts'

/** Which of the configured chain endpoints would be used now, one after another as a node tries them. */
export async function checkChain(config: Config, signal: AbortSignal): Promise<Finding[]> {
  const urls = chainUrlsOf({ config })
  const needed = config.roles.some((role) => role === 'miner' || role === 'validator')
  if (urls.length === 0 || (!needed && config.chain.length === 0)) return []
  const { ok, actual } = await askEndpoints(config, urls, signal)
  return [
    finding('chain', ok, {
      actual,
      wanted: "a node of this network's chain that answers",
      remedy: 'name one that answers with --chain, and others after it for when it does not',
    }),
  ]
}

async function askEndpoints(config: Config, urls: readonly string[], signal: AbortSignal) {
  const knowsGenesis = config.network !== 'local' || config.genesis !== undefined
  const genesis = knowsGenesis ? toHex(networkOf(config).genesis) : undefined
  try {
    const { rpc, url, finalNumber } = await new Endpoints({
      urls,
      genesis,
      log: silent,
      signal,
    }).open()
    rpc.close()
    const rank = urls.length === 1 ? '' : ` (${urls.indexOf(url) + 1} of ${urls.length})`
    return { ok: true, actual: `${url}${rank}, at block ${finalNumber}` }
  } catch (error) {
    return { ok: false, actual: messageOf(error) }
  }
}
