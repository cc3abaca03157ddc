import type { Storage } from '../storage.ts'

const MODULE = 'subtensorModule'

/** Base units of alpha that a subnet emits in a block: one alpha, as a real subnet at its start. */
export const ALPHA_PER_BLOCK = 1_000_000_000n

/** Hyperparameters a subnet starts with; what is absent keeps the runtime's default. */
export interface SubnetParameters {
  readonly tempo?: number
  readonly minAllowedWeights?: number
  readonly weightsSetRateLimit?: number
  readonly maxAllowedValidators?: number
  readonly maxWeightsLimit?: number
  readonly activityCutoff?: number
  readonly commitRevealWeightsEnabled?: boolean
  /** Rao and alpha in the pool, which fixes the first price of alpha at 1. */
  readonly pool: bigint
}

/** Writes a new subnet without neurons. */
export function putSubnet(
  storage: Storage,
  netuid: number,
  owner: string,
  { pool, ...parameters }: SubnetParameters,
): void {
  const put = (name: string, value: unknown) => storage.put(MODULE, name, [netuid], value)
  storage.put(MODULE, 'totalNetworks', [], storage.number(MODULE, 'totalNetworks') + 1)
  put('networksAdded', true)
  put('subnetworkN', 0)
  put('subnetOwner', owner)
  for (const [name, value] of Object.entries(parameters)) put(name, value)
  put('subnetTAO', pool)
  put('subnetAlphaIn', pool)
  if (storage.runtime.has(MODULE, 'subnetAlphaOutEmission'))
    put('subnetAlphaOutEmission', ALPHA_PER_BLOCK)
}

/** A subnet's list with one value per uid, e.g. `lastUpdate`. */
export const perUid = <T>(storage: Storage, name: string, netuid: number): T[] =>
  storage.json<T[]>(MODULE, name, netuid)

/** Writes one uid's place in such a list, filling missing places with `filler`. */
export function putPerUid<T>(
  storage: Storage,
  name: string,
  netuid: number,
  uid: number,
  value: T,
  filler: T,
): void {
  const list = perUid<T>(storage, name, netuid)
  while (list.length < uid) list.push(filler)
  list[uid] = value
  storage.put(MODULE, name, [netuid], list)
}

/** The uid of a hotkey, or undefined when it is not registered. */
export function uidOf(storage: Storage, netuid: number, hotkey: string): number | undefined {
  return storage.json<number | null>(MODULE, 'uids', netuid, hotkey) ?? undefined
}

/** Alpha base units that count for a hotkey in a subnet. */
export const alphaOf = (storage: Storage, netuid: number, hotkey: string): bigint =>
  storage.bigint(MODULE, 'totalHotkeyAlpha', hotkey, netuid)

/** The least stake that may set weights; its storage entry has two names. */
export const stakeThreshold = (storage: Storage): bigint =>
  storage.runtime.has(MODULE, 'stakeThreshold')
    ? storage.bigint(MODULE, 'stakeThreshold')
    : storage.bigint(MODULE, 'weightsMinStake')
