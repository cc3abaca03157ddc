import type { ApiPromise } from '@polkadot/api'
import type { Codec, ITuple } from '@polkadot/types/types'
import type { BlockRef } from '../block-ref.ts'
import type { WeightRow } from '../chain-weights.ts'
import { numberOf } from './entries.ts'
import { mechanismIndex } from './features.ts'

/** The newest final block. */
export async function finalizedHead(api: ApiPromise): Promise<BlockRef> {
  const hash = await api.rpc.chain.getFinalizedHead()
  const header = await api.rpc.chain.getHeader(hash)
  return { number: header.number.toNumber(), hash: hash.toHex() }
}

/** Every row of weights of one mechanism, by validator uid. */
export async function readWeights(
  api: ApiPromise,
  netuid: number,
  block: BlockRef,
  mechanism = 0,
): Promise<ReadonlyMap<number, WeightRow>> {
  const { query } = await api.at(block.hash)
  const index = mechanismIndex(netuid, mechanism)
  const rows = await query['subtensorModule']!['weights']!.entries(index)
  const pairs = (row: Codec): WeightRow =>
    [...(row as unknown as Iterable<ITuple<[Codec, Codec]>>)].map(
      ([uid, weight]) => [numberOf(uid), numberOf(weight)] as const,
    )
  return new Map(rows.map(([key, row]) => [numberOf(key.args[1]!), pairs(row)]))
}
