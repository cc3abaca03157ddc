import type { ApiPromise } from '@polkadot/api'
import type { EventRecord } from '@polkadot/types/interfaces'
import { atMost } from '../../at-most.ts'
import { NodeError } from '../../errors.ts'
import type { AlphaBurn, BurnOrder, BurnReading } from '../chain-earnings.ts'
import { blockRef, unlessDiscarded } from './past-blocks.ts'
import { readStorage } from './storage-batch.ts'
import type { Transaction } from './transactions.ts'

/** A day of a real chain. */
const MAX_BLOCKS = 7200
/** Blocks asked for together; a busy block's events are some 100 KB. */
const AT_ONCE = 16

const KINDS: Readonly<Record<string, AlphaBurn['kind']>> = {
  AlphaBurned: 'burned',
  AlphaRecycled: 'recycled',
}

/**
 * Alpha that was burned or recycled on a subnet, by the events of the blocks `from` to `to`, oldest first. Reads newest
 * blocks first and stops at the first whose state the endpoint has dropped. BAD_CONFIG_BLOCKS for more than a day.
 */
export async function readBurns(
  api: ApiPromise,
  netuid: number,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<BurnReading> {
  if (to - from >= MAX_BLOCKS)
    throw new NodeError('BAD_CONFIG_BLOCKS', `at most ${MAX_BLOCKS} blocks at a time`)
  const turn = atMost(AT_ONCE)
  let oldest = to + 1
  const found: AlphaBurn[][] = []
  while (oldest > from) {
    const first = Math.max(from, oldest - AT_ONCE)
    const numbers = Array.from({ length: oldest - first }, (_, at) => first + at)
    const read = await Promise.all(numbers.map((one) => turn(() => burnsOf(api, netuid, one))))
    const gone = read.lastIndexOf(undefined)
    found.unshift(...read.slice(gone + 1).map((burns) => burns!))
    oldest = first + gone + 1
    if (gone >= 0) break
  }
  return { from: oldest, to, burns: found.flat() }
}

/** Undefined when the endpoint has dropped the block's state. */
const burnsOf = (
  api: ApiPromise,
  netuid: number,
  block: number,
): Promise<AlphaBurn[] | undefined> =>
  unlessDiscarded(async () => {
    const [events] = await readStorage(api, await blockRef(api, block), [['system', 'events']])
    return [...(events as unknown as Iterable<EventRecord>)].flatMap(({ event }) => {
      const kind = event.section === 'subtensorModule' ? KINDS[event.method] : undefined
      if (kind === undefined) return []
      const [coldkey, hotkey, alpha, subnet] = event.data.map(String)
      if (Number(subnet) !== netuid) return []
      return [{ block, hotkey: hotkey!, coldkey: coldkey!, alpha: BigInt(alpha!), kind }]
    })
  })

/** The transaction that burns or recycles alpha. CHAIN_UNSUPPORTED where the runtime has none. */
export function burnOf(
  api: ApiPromise,
  netuid: number,
  { hotkey, alpha, kind }: BurnOrder,
): Transaction {
  const make = kind === 'burned' ? maybeCall(api, 'burnAlpha') : maybeCall(api, 'recycleAlpha')
  if (make === undefined)
    throw new NodeError('CHAIN_UNSUPPORTED', 'this runtime has no call that burns alpha')
  return make(hotkey, alpha, netuid)
}

/** A call of subtensor that not every runtime has. */
const maybeCall = (api: ApiPromise, name: string) => api.tx['subtensorModule']?.[name]
