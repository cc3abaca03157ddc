import type { ApiPromise } from '@polkadot/api'
import type { Codec } from '@polkadot/types/types'
import type { BlockRef } from '../block-ref.ts'
import type { EpochEarning } from '../chain-earnings.ts'
import { type At, bigintOf, maybe, numberOf, subtensor } from './entries.ts'
import { mechanismIndex } from './features.ts'
import { blockRef, unlessDiscarded } from './past-blocks.ts'
import { readEpoch } from './read-epoch.ts'
import { readPrice } from './read-price.ts'

/**
 * What a hotkey got in each of the newest epochs, oldest first, read at the blocks at which they fired. Stops at the
 * first whose state the endpoint has dropped, and says so in its row; older ones are gone as well.
 */
export async function readEarnings(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  epochs: number,
  head: BlockRef,
): Promise<EpochEarning[]> {
  const found: EpochEarning[] = []
  let { index, last } = await readEpoch(api, netuid, head)
  while (found.length < epochs && index > 0 && last > 0) {
    const earning = await earningAt(api, netuid, hotkey, { epoch: index, block: last })
    found.unshift(earning)
    if (earning.state === 'discarded') break
    const before = await unlessDiscarded(async () =>
      readEpoch(api, netuid, await blockRef(api, last - 1)),
    )
    if (before === undefined) {
      found.unshift({ epoch: index - 1, block: null, state: 'discarded' })
      break
    }
    // A block without a fired epoch of its own may still name this one: then there is nothing older.
    if (before.last >= last) break
    index = before.index
    last = before.last
  }
  return found.slice(-epochs)
}

async function earningAt(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  fired: { readonly epoch: number; readonly block: number },
): Promise<EpochEarning> {
  const read = async (): Promise<EpochEarning> => {
    const at = await api.at((await blockRef(api, fired.block)).hash)
    const uid = (await subtensor(at, 'uids')(netuid, hotkey)).toJSON()
    if (typeof uid !== 'number') return { ...fired, state: 'unregistered' }
    return { ...fired, state: 'read', uid, ...(await figures(at, netuid, hotkey, uid)) }
  }
  return (await unlessDiscarded(read)) ?? { ...fired, state: 'discarded' }
}

async function figures(at: At, netuid: number, hotkey: string, uid: number) {
  const mechanisms = await readMechanisms(at, netuid)
  const [dividends, emission, stake, priceRao, ...incentives] = await Promise.all([
    subtensor(at, 'dividends')(netuid),
    subtensor(at, 'emission')(netuid),
    subtensor(at, 'totalHotkeyAlpha')(hotkey, netuid),
    readPrice(at, netuid),
    ...Array.from({ length: mechanisms }, (_, mechanism) =>
      subtensor(at, 'incentive')(mechanismIndex(netuid, mechanism)),
    ),
  ])
  const of = (list: Codec): Codec | undefined => (list as unknown as readonly Codec[])[uid]
  const each = incentives.map((list) => Number(of(list)?.toString() ?? 0))
  return {
    incentive: each[0]!,
    incentives: each,
    dividends: Number(of(dividends)?.toString() ?? 0),
    emission: BigInt(of(emission)?.toString() ?? 0),
    stake: bigintOf(stake),
    priceRao,
  }
}

/** How many mechanisms a subnet has. */
export async function readMechanisms(at: At, netuid: number): Promise<number> {
  const count = maybe(at, 'mechanismCountCurrent')
  return count === undefined ? 1 : Math.max(1, numberOf(await count(netuid)))
}
