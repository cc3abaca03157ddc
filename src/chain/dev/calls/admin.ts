import type { GenericCall } from '@polkadot/types'
import { DispatchFailure } from '../runtime.ts'
import { argsOf, type Call, type Handler, type Handlers } from './call.ts'

const MODULE = 'subtensorModule'

/** Calls that write one hyperparameter of a subnet. */
const subnetSetters: Readonly<Record<string, string>> = {
  sudoSetServingRateLimit: 'servingRateLimit',
  sudoSetWeightsVersionKey: 'weightsVersionKey',
  sudoSetWeightsSetRateLimit: 'weightsSetRateLimit',
  sudoSetMaxWeightLimit: 'maxWeightsLimit',
  sudoSetMinAllowedWeights: 'minAllowedWeights',
  sudoSetMaxAllowedValidators: 'maxAllowedValidators',
  sudoSetTempo: 'tempo',
  sudoSetKappa: 'kappa',
  sudoSetBondsMovingAverage: 'bondsMovingAverage',
  sudoSetBondsPenalty: 'bondsPenalty',
  sudoSetLiquidAlphaEnabled: 'liquidAlphaOn',
  sudoSetAlphaSigmoidSteepness: 'alphaSigmoidSteepness',
  sudoSetYuma3Enabled: 'yuma3On',
  sudoSetCommitRevealWeightsEnabled: 'commitRevealWeightsEnabled',
  sudoSetCommitRevealWeightsInterval: 'revealPeriodEpochs',
}

/** Inside `sudo` alone; a plain signer gets BadOrigin. */
const setSubnet =
  (entry: string): Handler =>
  (call) => {
    const [netuid, value] = argsOf(call)
    if (!call.storage.json<boolean>(MODULE, 'networksAdded', netuid))
      throw call.storage.runtime.failure('AdminUtils', 'SubnetDoesNotExist')
    call.storage.put(MODULE, entry, [netuid], value)
    if (entry === 'tempo') call.emit('SubtensorModule', 'TempoSet', [netuid, value])
  }

const setGlobal =
  (entry: string): Handler =>
  (call) =>
    call.storage.put(MODULE, entry, [], argsOf(call)[0])

const rootCalls: Handlers = {
  ...Object.fromEntries(
    Object.entries(subnetSetters).map(([name, entry]) => [`adminUtils.${name}`, setSubnet(entry)]),
  ),
  'adminUtils.sudoSetWeightsMinStake': setGlobal('weightsMinStake'),
  'adminUtils.sudoSetStakeThreshold': setGlobal('stakeThreshold'),
  'adminUtils.sudoSetCommitRevealVersion': setGlobal('commitRevealWeightsVersion'),
}

/** The outer call succeeds even when the inner one fails: its result stands in the `Sudid` event. */
function sudo(call: Call): void {
  const { storage } = call
  if (storage.json<string | null>('sudo', 'key') !== call.who)
    throw storage.runtime.failure('Sudo', 'RequireSudo')
  const inner = call.method.args[0] as GenericCall
  const handler = rootCalls[`${inner.section}.${inner.method}`]
  call.emit('Sudo', 'Sudid', [innerResult(call, inner, handler)])
}

function innerResult(call: Call, method: GenericCall, handler: Handler | undefined): object {
  if (handler === undefined)
    return { Err: call.storage.runtime.failure('System', 'CallFiltered').dispatch }
  try {
    call.storage.attempt(() => handler({ ...call, method }))
    return { Ok: null }
  } catch (error) {
    if (error instanceof DispatchFailure) return { Err: error.dispatch }
    throw error
  }
}

const badOrigin: Handler = () => {
  throw new DispatchFailure('BadOrigin', { BadOrigin: null })
}

/** All or nothing: the first failure undoes what came before it. */
function batchAll(call: Call): void {
  for (const inner of call.method.args[0] as unknown as GenericCall[]) {
    call.dispatch(inner)
    call.emit('Utility', 'ItemCompleted', [])
  }
  call.emit('Utility', 'BatchCompleted', [])
}

export const adminCalls: Handlers = {
  ...Object.fromEntries(Object.keys(rootCalls).map((name) => [name, badOrigin])),
  'sudo.sudo': sudo,
  'utility.batchAll': batchAll,
}
