import { runYuma } from '../yuma/epoch.ts'
import type { NeuronOutcome } from '../yuma/state.ts'
import { ALPHA_PER_BLOCK } from './calls/subnet.ts'
import { type Pending, payOut } from './emission.ts'
import type { Storage } from './storage.ts'
import { readYumaState } from './yuma-state.ts'

const MODULE = 'subtensorModule'

/** Whether a subnet's epoch fires in a block: by counting where the runtime counts, else by number. */
function due(storage: Storage, netuid: number, block: number): boolean {
  const tempo = storage.number(MODULE, 'tempo', netuid)
  if (tempo === 0) return false
  if (!storage.runtime.has(MODULE, 'lastEpochBlock'))
    return (block + netuid + 1) % (tempo + 1) === 0
  return block - storage.number(MODULE, 'lastEpochBlock', netuid) >= tempo
}

/**
 * Runs Yuma over a subnet and writes down what it decides: seats, activity, shares, bonds, and who gets what of the
 * alpha of the blocks since the last epoch, less the owner's part. All of it is added to stakes.
 */
export function runEpoch(storage: Storage, netuid: number, block: number): void {
  const pending = pendingSinceLast(storage, netuid)
  const outcomes = runYuma(readYumaState(storage, netuid, block), pending.shared)
  const columns: Readonly<Record<string, (one: NeuronOutcome) => unknown>> = {
    validatorPermit: ({ permit }) => permit,
    active: ({ active }) => active,
    stakeWeight: ({ stakeWeight }) => stakeWeight,
    consensus: ({ consensus }) => consensus,
    incentive: ({ incentive }) => incentive,
    dividends: ({ dividends }) => dividends,
    validatorTrust: ({ validatorTrust }) => validatorTrust,
    emission: ({ emission }) => emission,
  }
  for (const [name, value] of Object.entries(columns))
    storage.put(MODULE, name, [netuid], outcomes.map(value))
  for (const [uid, { bonds }] of outcomes.entries())
    storage.put(MODULE, 'bonds', [netuid, uid], bonds.length > 0 ? bonds : null)
  payOut(storage, netuid, outcomes, pending)
}

function pendingSinceLast(storage: Storage, netuid: number): Pending {
  const perBlock = storage.runtime.has(MODULE, 'subnetAlphaOutEmission')
    ? storage.bigint(MODULE, 'subnetAlphaOutEmission', netuid)
    : ALPHA_PER_BLOCK
  const cut = (perBlock * storage.bigint(MODULE, 'subnetOwnerCut')) / 65_535n
  const blocks = storage.bigint(MODULE, 'blocksSinceLastStep', netuid) + 1n
  return { cut: blocks * cut, shared: blocks * (perBlock - cut) }
}

/** Runs the epochs due in a block and counts the others one step on. */
export function stepEpochs(storage: Storage, netuids: readonly number[], block: number): void {
  for (const netuid of netuids) {
    const fires = due(storage, netuid, block)
    if (fires) runEpoch(storage, netuid, block)
    const since = storage.number(MODULE, 'blocksSinceLastStep', netuid)
    storage.put(MODULE, 'blocksSinceLastStep', [netuid], fires ? 0 : since + 1)
    if (!fires) continue
    storage.put(MODULE, 'lastMechansimStepBlock', [netuid], block)
    if (!storage.runtime.has(MODULE, 'lastEpochBlock')) continue
    storage.put(MODULE, 'lastEpochBlock', [netuid], block)
    const index = storage.number(MODULE, 'subnetEpochIndex', netuid)
    storage.put(MODULE, 'subnetEpochIndex', [netuid], index + 1)
  }
}
