import type { Codec } from '@polkadot/types/types'
import type { Storage } from '../storage.ts'
import { alphaOf } from './subnet.ts'

const MODULE = 'subtensorModule'

/** Shares are counted in millionths where the runtime has fractions, so that a newcomer's alpha is exact. */
const DECIMALS = 6

/** What a coldkey has of the alpha on a hotkey: its shares' part of the pool, rounded down. Base units. */
export function stakeOf(storage: Storage, netuid: number, hotkey: string, coldkey: string): bigint {
  const whole = sharesOf(storage, netuid, hotkey)
  if (whole === 0n) return 0n
  const part = sharesOf(storage, netuid, hotkey, coldkey)
  return (part * alphaOf(storage, netuid, hotkey)) / whole
}

/** Stakes alpha of one coldkey on a hotkey: shares at what one is worth now, whole for the first. */
export function putStake(
  storage: Storage,
  netuid: number,
  hotkey: string,
  coldkey: string,
  alpha: bigint,
): void {
  if (alpha === 0n) return
  const staked = alphaOf(storage, netuid, hotkey)
  const whole = sharesOf(storage, netuid, hotkey)
  // Rounded up: the newcomer's alpha is there at once, and what the others lose is less than a base unit.
  const shares = whole === 0n ? alpha * unit(storage) : (alpha * whole + staked - 1n) / staked
  const before = sharesOf(storage, netuid, hotkey, coldkey)
  putShares(storage, [hotkey, netuid], whole + shares)
  putShares(storage, [hotkey, coldkey, netuid], before + shares)
  putAlpha(storage, netuid, hotkey, staked + alpha)
  const hotkeys = storage.json<string[]>(MODULE, 'stakingHotkeys', coldkey)
  if (!hotkeys.includes(hotkey))
    storage.put(MODULE, 'stakingHotkeys', [coldkey], [...hotkeys, hotkey])
}

/** Takes alpha of one coldkey off a hotkey; at most what `stakeOf` says. */
export function takeStake(
  storage: Storage,
  netuid: number,
  hotkey: string,
  coldkey: string,
  alpha: bigint,
): void {
  if (alpha === 0n) return
  const staked = alphaOf(storage, netuid, hotkey)
  const whole = sharesOf(storage, netuid, hotkey)
  const part = sharesOf(storage, netuid, hotkey, coldkey)
  const all = alpha === stakeOf(storage, netuid, hotkey, coldkey)
  const shares = all ? part : (alpha * whole + staked - 1n) / staked
  putShares(storage, [hotkey, netuid], whole - shares)
  putShares(storage, [hotkey, coldkey, netuid], part - shares)
  putAlpha(storage, netuid, hotkey, staked - alpha)
}

/** Adds alpha to everybody's stake on a hotkey alike: shares stay as they are and are worth more. */
export const shareOut = (storage: Storage, netuid: number, hotkey: string, alpha: bigint): void =>
  putAlpha(storage, netuid, hotkey, alphaOf(storage, netuid, hotkey) + alpha)

/** Changes how much alpha of a subnet is out of its pool. */
export function moveAlphaOut(storage: Storage, netuid: number, by: bigint): void {
  const out = storage.bigint(MODULE, 'subnetAlphaOut', netuid)
  storage.put(MODULE, 'subnetAlphaOut', [netuid], out + by)
}

const hasFractions = ({ runtime }: Storage): boolean => runtime.has(MODULE, 'alphaV2')

const unit = (storage: Storage): bigint => (hasFractions(storage) ? 10n ** BigInt(DECIMALS) : 1n)

/** The names of the shares of all and of one, by how many keys there are. */
const entryFor = (storage: Storage, keys: number): string =>
  (keys === 2 ? 'totalHotkeyShares' : 'alpha') + (hasFractions(storage) ? 'V2' : '')

function sharesOf(storage: Storage, netuid: number, hotkey: string, coldkey?: string): bigint {
  const keys = coldkey === undefined ? [hotkey, netuid] : [hotkey, coldkey, netuid]
  const found = storage.codec(MODULE, entryFor(storage, keys.length), ...keys)
  if (!hasFractions(storage)) return BigInt(String(found))
  return BigInt(String((found as unknown as { readonly mantissa: Codec }).mantissa))
}

function putShares(storage: Storage, keys: readonly unknown[], shares: bigint): void {
  const value = hasFractions(storage) ? { mantissa: shares, exponent: -DECIMALS } : shares
  storage.put(MODULE, entryFor(storage, keys.length), keys, shares === 0n ? null : value)
}

const putAlpha = (storage: Storage, netuid: number, hotkey: string, alpha: bigint): void =>
  storage.put(MODULE, 'totalHotkeyAlpha', [hotkey, netuid], alpha === 0n ? null : alpha)
