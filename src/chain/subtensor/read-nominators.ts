import type { ApiPromise } from '@polkadot/api'
import type { Codec } from '@polkadot/types/types'
import type { BlockRef } from '../block-ref.ts'
import type { Delegation, Nominator } from '../chain-accounts.ts'
import { type At, bigintOf, maybe, numberOf, subtensor } from './entries.ts'
import { blockRef } from './past-blocks.ts'

/** Shares of all formats are counted in 10^-24. */
const DECIMALS = 24

/**
 * Who staked on a hotkey in a subnet, the most first, and what the last epoch gave them together. A coldkey's stake is
 * its shares' part of the hotkey's alpha, rounded down. Shares are `u64` at spec 218, fixed-point numbers later, and
 * decimal floats (`SafeFloat`) since; a newer runtime has both of the latter, and reads the older entry first.
 */
export async function readDelegation(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  block: number,
): Promise<Delegation> {
  const at = await api.at((await blockRef(api, block)).hash)
  const [owner, take, alpha, shares, whole, shared] = await Promise.all([
    subtensor(at, 'owner')(hotkey),
    subtensor(at, 'delegates')(hotkey),
    subtensor(at, 'totalHotkeyAlpha')(hotkey, netuid),
    readShares(at, netuid, hotkey),
    readWhole(at, netuid, hotkey),
    maybe(at, 'alphaDividendsPerSubnet')?.(netuid, hotkey),
  ])
  const stake = bigintOf(alpha)
  const nominators = [...shares].map(
    ([coldkey, part]): Nominator => ({
      coldkey,
      stake: whole === 0n ? 0n : (part * stake) / whole,
    }),
  )
  return {
    hotkey,
    block,
    owner: owner.isEmpty ? undefined : String(owner),
    take: numberOf(take),
    stake,
    shared: shared === undefined ? undefined : bigintOf(shared),
    nominators: nominators.toSorted((a, b) =>
      a.stake === b.stake ? 0 : a.stake < b.stake ? 1 : -1,
    ),
  }
}

/** What a coldkey has in a subnet, by hotkey, nothing left out that is more than nothing. Alpha base units. */
export async function readStakesOf(
  api: ApiPromise,
  netuid: number,
  coldkey: string,
  { hash }: BlockRef,
): Promise<ReadonlyMap<string, bigint>> {
  const at = await api.at(hash)
  const hotkeys = (await subtensor(at, 'stakingHotkeys')(coldkey)).toJSON() as string[]
  const read = hotkeys.map(async (hotkey) => {
    const [alpha, whole, older, newer] = await Promise.all([
      subtensor(at, 'totalHotkeyAlpha')(hotkey, netuid),
      readWhole(at, netuid, hotkey),
      maybe(at, 'alpha')?.(hotkey, coldkey, netuid),
      maybe(at, 'alphaV2')?.(hotkey, coldkey, netuid),
    ])
    const first = older === undefined ? 0n : sharesFrom(older)
    const part = first > 0n || newer === undefined ? first : sharesFrom(newer)
    return [hotkey, whole === 0n ? 0n : (part * bigintOf(alpha)) / whole] as const
  })
  return new Map((await Promise.all(read)).filter(([, stake]) => stake > 0n))
}

/** Shares by coldkey. */
async function readShares(at: At, netuid: number, hotkey: string): Promise<Map<string, bigint>> {
  const lists = await Promise.all([
    maybe(at, 'alphaV2')?.entries(hotkey),
    maybe(at, 'alpha')?.entries(hotkey),
  ])
  const found = new Map<string, bigint>()
  for (const [key, value] of lists.flatMap((list) => list ?? [])) {
    const part = sharesFrom(value)
    if (numberOf(key.args[2]!) === netuid && part > 0n) found.set(String(key.args[1]), part)
  }
  return found
}

async function readWhole(at: At, netuid: number, hotkey: string): Promise<bigint> {
  const older = await maybe(at, 'totalHotkeyShares')?.(hotkey, netuid)
  const whole = older === undefined ? 0n : sharesFrom(older)
  if (whole > 0n) return whole
  const newer = await maybe(at, 'totalHotkeySharesV2')?.(hotkey, netuid)
  return newer === undefined ? 0n : sharesFrom(newer)
}

/** A number of shares in any of the three formats, in 10^-24 of a share. */
export function sharesFrom(value: Codec): bigint {
  const { bits, mantissa, exponent } = value as unknown as Record<string, Codec | undefined>
  if (bits !== undefined) return (bigintOf(bits) * 10n ** BigInt(DECIMALS)) >> 64n
  if (mantissa === undefined) return bigintOf(value) * 10n ** BigInt(DECIMALS)
  const places = Number(String(exponent)) + DECIMALS
  return places < 0
    ? bigintOf(mantissa) / 10n ** BigInt(-places)
    : bigintOf(mantissa) * 10n ** BigInt(places)
}
