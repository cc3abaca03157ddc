import type { DispatchFailure } from '../runtime.ts'
import { freeOf, putFree } from './balances.ts'
import { addressArg, argsOf, bigintArg, type Call, type Handlers, hotkeyOwner } from './call.ts'
import { moveAlphaOut, stakeOf, takeStake } from './stake.ts'

const MODULE = 'subtensorModule'

/** Newer runtimes let nobody leave a stake by less than this many rao, but by all of it. */
const LEAST_RAO = 2_000_000n

const fail = (call: Call, name: string): DispatchFailure =>
  call.storage.runtime.failure('SubtensorModule', name)

/** A part of a stake that is to be sold to the pool. */
interface Sale {
  readonly netuid: number
  readonly hotkey: string
  readonly alpha: bigint
  /** What the pool gives for it. */
  readonly rao: bigint
}

/** Takes alpha of the signer off a hotkey and swaps it for rao in the subnet's constant-product pool. */
function removeStake(call: Call): void {
  const { storage, who } = call
  const hotkey = addressArg(call, 0)
  const netuid = Number(argsOf(call)[1])
  const wanted = bigintArg(call, 2)
  const has = stakeOf(storage, netuid, hotkey, who)
  const isOld = storage.runtime.spec === 218
  // The newer one takes what there is, for a fee may have been paid of it.
  const alpha = isOld || wanted < has ? wanted : has
  const sale = { netuid, hotkey, alpha, rao: raoFor(call, netuid, alpha) }
  if (isOld) assertOld(call, sale, has)
  else assertNew(call, sale, has)
  sell(call, sale)
}

/** In the order of spec 218. */
function assertOld(call: Call, { netuid, hotkey, alpha }: Sale, has: bigint): void {
  if (alpha === 0n) throw fail(call, 'StakeToWithdrawIsZero')
  if (!exists(call, netuid)) throw fail(call, 'SubnetNotExists')
  if (hotkeyOwner(call, hotkey) === undefined) throw fail(call, 'HotKeyAccountNotExists')
  if (alpha > has) throw fail(call, 'NotEnoughStakeToWithdraw')
}

/** In the order of spec 424, which asks first whether the subnet's alpha is traded. */
function assertNew(call: Call, { netuid, hotkey, alpha, rao }: Sale, has: bigint): void {
  if (!exists(call, netuid)) throw fail(call, 'SubtokenDisabled')
  if (alpha === 0n) throw fail(call, 'AmountTooLow')
  if (alpha < has && rao < LEAST_RAO) throw fail(call, 'AmountTooLow')
  if (hotkeyOwner(call, hotkey) === undefined) throw fail(call, 'HotKeyAccountNotExists')
}

const exists = ({ storage }: Call, netuid: number): boolean =>
  storage.json<boolean>(MODULE, 'networksAdded', netuid)

function raoFor({ storage }: Call, netuid: number, alpha: bigint): bigint {
  const tao = storage.bigint(MODULE, 'subnetTAO', netuid)
  const alphaIn = storage.bigint(MODULE, 'subnetAlphaIn', netuid)
  const whole = alphaIn + alpha
  return whole === 0n ? 0n : (tao * alpha) / whole // rounds against the staker
}

function sell(call: Call, { netuid, hotkey, alpha, rao }: Sale): void {
  const { storage, who } = call
  const add = (name: string, by: bigint): void =>
    storage.put(MODULE, name, [netuid], storage.bigint(MODULE, name, netuid) + by)
  takeStake(storage, netuid, hotkey, who, alpha)
  moveAlphaOut(storage, netuid, -alpha)
  add('subnetAlphaIn', alpha)
  add('subnetTAO', -rao)
  putFree(storage, who, freeOf(storage, who) + rao)
  call.emit('SubtensorModule', 'StakeRemoved', [who, hotkey, rao, alpha, netuid, 0])
}

export const unstakeCalls: Handlers = { 'subtensorModule.removeStake': removeStake }
