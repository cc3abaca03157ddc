import type { DispatchFailure } from '../runtime.ts'
import { argsOf, type Call, type Handlers } from './call.ts'
import { alphaOf, perUid, putPerUid, stakeThreshold, uidOf } from './subnet.ts'

const MODULE = 'subtensorModule'

/** A row of weights as a caller gives it. */
export interface WeightsCall {
  readonly netuid: number
  readonly uids: readonly number[]
  readonly values: readonly number[]
  readonly versionKey: number
  /** Hash commits were limited when committed. */
  readonly rateLimited: boolean
}

/** What weighing needs of a call; what the chain does by itself has no method. */
export type Weighing = Pick<Call, 'who' | 'storage' | 'block' | 'emit'>

export const weightsFailure = (call: Pick<Call, 'storage'>, name: string): DispatchFailure =>
  call.storage.runtime.failure('SubtensorModule', name)

/** The checks of the real pallet, in its order (notes/chain.md §3), then the row as it is stored. */
export function putWeights(call: Weighing, row: WeightsCall): void {
  const { storage } = call
  const { netuid, uids, values } = row
  const fail = (name: string) => weightsFailure(call, name)
  if (uids.length !== values.length) throw fail('WeightVecNotEqualSize')
  const uid = uidOf(storage, netuid, call.who)
  if (uid === undefined) throw fail('HotKeyNotRegisteredInSubNet')
  assertMayWeigh(call, row, uid)
  const self = uids.length === 1 && uids[0] === uid
  if (new Set(uids).size !== uids.length) throw fail('DuplicateUids')
  const n = storage.number(MODULE, 'subnetworkN', netuid)
  if (uids.some((one) => one >= n)) throw fail('UidVecContainInvalidOne')
  const least = Math.min(n, storage.number(MODULE, 'minAllowedWeights', netuid))
  if (!self && uids.length < least) throw fail('WeightVecLengthIsLow')
  if (!self && !withinLimit(values, storage.number(MODULE, 'maxWeightsLimit', netuid)))
    throw fail('MaxWeightExceeded')
  const scaled = maxUpscale(values)
  storage.put(
    MODULE,
    'weights',
    [netuid, uid],
    uids.map((one, at) => [one, scaled[at]]),
  )
  putPerUid(storage, 'lastUpdate', netuid, uid, call.block, 0)
  call.emit('SubtensorModule', 'WeightsSet', [netuid, uid])
}

/** Weights that were hidden till now: the commit counted for the rate and as the last update, the reveal does not. */
export function putRevealed(call: Weighing, row: Omit<WeightsCall, 'rateLimited'>): void {
  const before = perUid<number>(call.storage, 'lastUpdate', row.netuid)
  putWeights(call, { ...row, rateLimited: false })
  call.storage.put(MODULE, 'lastUpdate', [row.netuid], before)
}

function assertMayWeigh(call: Weighing, row: WeightsCall, uid: number): void {
  const { storage } = call
  const { netuid, uids } = row
  if (alphaOf(storage, netuid, call.who) < stakeThreshold(storage))
    throw weightsFailure(call, 'NotEnoughStakeToSetWeights')
  const version = storage.number(MODULE, 'weightsVersionKey', netuid)
  if (version !== 0 && row.versionKey < version)
    throw weightsFailure(call, 'IncorrectWeightVersionKey')
  if (row.rateLimited && tooSoon(call, netuid, uid))
    throw weightsFailure(call, 'SettingWeightsTooFast')
  const self = uids.length === 1 && uids[0] === uid
  if (!self && perUid<boolean>(storage, 'validatorPermit', netuid)[uid] !== true)
    throw weightsFailure(call, 'NeuronNoValidatorPermit')
}

/** Whether a validator weighs (or commits) again before the subnet's rate limit has passed. */
export function tooSoon({ storage, block }: Weighing, netuid: number, uid: number): boolean {
  const last = perUid<number>(storage, 'lastUpdate', netuid)[uid] ?? 0
  return last !== 0 && block - last < storage.number(MODULE, 'weightsSetRateLimit', netuid)
}

/** Whether no weight is above `limit` of 65535 parts of the row's sum. */
function withinLimit(values: readonly number[], limit: number): boolean {
  const sum = values.reduce((a, b) => a + b, 0)
  return limit >= 65_535 || sum === 0 || Math.max(...values) * 65_535 <= limit * sum
}

/** Scales a row so that its highest weight is 65535, in the pallet's own fixed-point steps (I32F32). */
export function maxUpscale(values: readonly number[]): number[] {
  const max = Math.max(0, ...values)
  if (max === 0) return [...values]
  const half = 1n << 31n
  const ratio = (65_535n << 32n) / BigInt(max)
  return values.map((value) => {
    const scaled =
      max > 32_768 ? BigInt(value) * ratio : ((BigInt(value) * 65_535n) << 32n) / BigInt(max)
    return Number((scaled + half) >> 32n)
  })
}

/** Mechanism 0 is the subnet itself; further ones are not modelled. */
export function assertMechanism(call: Call, mechanism: number): void {
  if (mechanism !== 0) throw weightsFailure(call, 'MechanismDoesNotExist')
}

function setWeights(call: Call, [netuid, uids, values, versionKey]: unknown[]): void {
  if (call.storage.json<boolean>(MODULE, 'commitRevealWeightsEnabled', netuid))
    throw weightsFailure(call, 'CommitRevealEnabled')
  putWeights(call, {
    netuid: netuid as number,
    uids: uids as number[],
    values: values as number[],
    versionKey: Number(versionKey),
    rateLimited: true,
  })
}

export const weightsCalls: Handlers = {
  'subtensorModule.setWeights': (call) => setWeights(call, argsOf(call)),
  'subtensorModule.setMechanismWeights': (call) => {
    const [netuid, mechanism, ...rest] = argsOf(call)
    assertMechanism(call, mechanism as number)
    setWeights(call, [netuid, ...rest])
  },
}
