import { messageOf } from '../../errors.ts'
import type { Parts } from '../parts.ts'
import { collectChain } from './collect-chain.ts'
import { collectHosting } from './collect-hosting.ts'
import { collectNode } from './collect-node.ts'
import { collectRenting } from './collect-renting.ts'
import { collectWeights } from './collect-weights.ts'

/** Asks the node's parts what gauges show; @throws nothing: what one part cannot tell keeps what it showed. */
type Collect = (parts: Parts) => void | Promise<void>

const collectors: readonly (readonly [string, Collect])[] = [
  ['node', collectNode],
  ['chain', collectChain],
  ['hosting', collectHosting],
  ['weights', collectWeights],
  ['renting', collectRenting],
]

/** The metrics of a node as they stand now, in the text format of Prometheus. */
export async function scrape(parts: Parts): Promise<string> {
  const { meters, log } = parts.core
  for (const [part, collect] of collectors) {
    try {
      await collect(parts)
    } catch (error) {
      log.warn('metrics-not-collected', { part, reason: messageOf(error) })
    }
  }
  return meters.text()
}
