import type { DispatchFailure } from '../runtime.ts'
import { burn, EXISTENTIAL_DEPOSIT, freeOf, putFree } from './balances.ts'
import { addressArg, argsOf, bigintArg, type Call, type Handlers, hotkeyOwner } from './call.ts'
import { moveAlphaOut, putStake } from './stake.ts'
import { putPerUid, putSubnet, uidOf } from './subnet.ts'

const MODULE = 'subtensorModule'

const fail = (call: Call, name: string): DispatchFailure =>
  call.storage.runtime.failure('SubtensorModule', name)

/** The error has another name in each runtime. */
const noSubnet = (call: Call): DispatchFailure =>
  fail(call, call.storage.runtime.spec === 218 ? 'SubNetworkDoesNotExist' : 'SubnetNotExists')

function assertSubnet(call: Call, netuid: number): void {
  if (netuid === 0 || !call.storage.json<boolean>(MODULE, 'networksAdded', netuid))
    throw noSubnet(call)
}

/** Appends a neuron, as the real pallet does below the subnet's limit. */
function burnedRegister(call: Call): void {
  const { storage } = call
  const netuid = Number(argsOf(call)[0])
  const hotkey = addressArg(call, 1)
  assertSubnet(call, netuid)
  if (uidOf(storage, netuid, hotkey) !== undefined)
    throw fail(call, 'HotKeyAlreadyRegisteredInSubNet')
  claimHotkey(call, hotkey)
  const uid = storage.number(MODULE, 'subnetworkN', netuid)
  // Replacing the lowest neuron of a full subnet is not modelled, so it is refused.
  if (uid >= storage.number(MODULE, 'maxAllowedUids', netuid))
    throw storage.runtime.failure('System', 'CallFiltered')
  burn(call, storage.bigint(MODULE, 'burn', netuid), fail(call, 'NotEnoughBalanceToStake'))
  appendNeuron(call, netuid, uid, hotkey)
  call.emit('SubtensorModule', 'NeuronRegistered', [netuid, uid, hotkey])
}

/** A hotkey belongs to the coldkey that registered it first. */
function claimHotkey(call: Call, hotkey: string): void {
  const owner = hotkeyOwner(call, hotkey)
  if (owner !== undefined && owner !== call.who) throw fail(call, 'NonAssociatedColdKey')
  if (owner === undefined) call.storage.put(MODULE, 'owner', [hotkey], call.who)
}

function appendNeuron(call: Call, netuid: number, uid: number, hotkey: string): void {
  const { storage, block } = call
  storage.put(MODULE, 'subnetworkN', [netuid], uid + 1)
  storage.put(MODULE, 'keys', [netuid, uid], hotkey)
  storage.put(MODULE, 'uids', [netuid, hotkey], uid)
  storage.put(MODULE, 'blockAtRegistration', [netuid, uid], block)
  putPerUid(storage, 'active', netuid, uid, true, true)
  putPerUid(storage, 'validatorPermit', netuid, uid, false, false)
  putPerUid(storage, 'lastUpdate', netuid, uid, block, 0)
  for (const name of ['consensus', 'incentive', 'dividends', 'emission', 'validatorTrust']) {
    putPerUid(storage, name, netuid, uid, 0, 0)
  }
}

/** Swaps rao for alpha in the subnet's constant-product pool and stakes it on the hotkey. */
function addStake(call: Call): void {
  const { storage, who } = call
  const hotkey = addressArg(call, 0)
  const netuid = Number(argsOf(call)[1])
  const rao = bigintArg(call, 2)
  assertSubnet(call, netuid)
  const free = freeOf(storage, who)
  if (free < rao + EXISTENTIAL_DEPOSIT) throw fail(call, 'NotEnoughBalanceToStake')
  if (hotkeyOwner(call, hotkey) === undefined) throw fail(call, 'HotKeyAccountNotExists')
  const tao = storage.bigint(MODULE, 'subnetTAO', netuid)
  const alphaIn = storage.bigint(MODULE, 'subnetAlphaIn', netuid)
  const alphaLeft = (tao * alphaIn + tao + rao - 1n) / (tao + rao) // rounds against the staker
  const alpha = alphaIn - alphaLeft
  putFree(storage, who, free - rao)
  storage.put(MODULE, 'subnetTAO', [netuid], tao + rao)
  storage.put(MODULE, 'subnetAlphaIn', [netuid], alphaLeft)
  putStake(storage, netuid, hotkey, who, alpha)
  moveAlphaOut(storage, netuid, alpha)
  call.emit('SubtensorModule', 'StakeAdded', [who, hotkey, rao, alpha, netuid, 0])
}

/** A new subnet with the runtime's own hyperparameters; its owner's hotkey is uid 0. No lock is taken here. */
function registerNetwork(call: Call): void {
  const { storage, who } = call
  const hotkey = addressArg(call, 0)
  const netuid = 1 + Math.max(...storage.subnets())
  claimHotkey(call, hotkey)
  putSubnet(storage, netuid, who, { pool: 1n })
  storage.put(MODULE, 'subnetOwnerHotkey', [netuid], hotkey)
  appendNeuron(call, netuid, 0, hotkey)
  call.emit('SubtensorModule', 'NetworkAdded', [netuid, 1])
}

export const registrationCalls: Handlers = {
  'subtensorModule.registerNetwork': registerNetwork,
  'subtensorModule.burnedRegister': burnedRegister,
  'subtensorModule.addStake': addStake,
}
