import { countedStake, type Heritage, type Holding } from '../yuma/inherited-stake.ts'
import { type At, bigintOf, maybe, subtensor } from './entries.ts'

type Share = readonly [share: string | number, hotkey: string]

/** The stake that counts for each hotkey, with what child and parent hotkeys take and give. Base units. */
export async function readStakes(
  at: At,
  netuid: number,
  hotkeys: readonly string[],
): Promise<bigint[]> {
  const pairs = hotkeys.map((hotkey) => [hotkey, netuid])
  const [children, parents] = await Promise.all(
    ['childKeys', 'parentKeys'].map(async (name) =>
      (await subtensor(at, name).multi(pairs)).map((list) => list.toJSON() as unknown as Share[]),
    ),
  )
  const holders = [...new Set([...hotkeys, ...parents!.flat().map(([, hotkey]) => hotkey)])]
  const holdings = await readHoldings(at, netuid, holders)
  const weight = maybe(at, 'taoWeight')
  // Spec 218 keeps it per subnet, and counts no TAO that this reading could know of.
  const taoWeight = weight?.creator.meta.type.isPlain ? bigintOf(await weight()) : 0n
  return hotkeys.map((hotkey, uid) => {
    const heritage: Heritage = {
      ...holdings.get(hotkey)!,
      children: children![uid]!.map(([share]) => BigInt(share)),
      parents: parents![uid]!.map(([share, parent]) => ({
        ...holdings.get(parent)!,
        share: BigInt(share),
      })),
    }
    return countedStake(heritage, taoWeight)
  })
}

const ROOT = 0

async function readHoldings(
  at: At,
  netuid: number,
  hotkeys: readonly string[],
): Promise<Map<string, Holding>> {
  const of = (subnet: number) =>
    subtensor(at, 'totalHotkeyAlpha').multi(hotkeys.map((hotkey) => [hotkey, subnet]))
  const [alphas, taos] = await Promise.all([of(netuid), of(ROOT)])
  return new Map(
    hotkeys.map((hotkey, i) => [
      hotkey,
      { alpha: bigintOf(alphas[i]!), rootTao: bigintOf(taos[i]!) },
    ]),
  )
}
