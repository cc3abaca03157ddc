import { runYuma } from '../yuma/epoch.ts'
import type { NeuronOutcome } from '../yuma/state.ts'
import type { Call } from './calls/call.ts'
import { ALPHA_PER_BLOCK } from './calls/subnet.ts'
import { revealTimelocked } from './calls/timelocked.ts'
import { type Pending, payOut } from './emission.ts'
import { countsEpochs, epochDue } from './epoch-clock.ts'
import type { Storage } from './storage.ts'
import { readYumaState } from './yuma-state.ts'

const MODULE = 'subtensorModule'

/** At most so many subnets have their epoch in one block; the others wait for the next (`MaxEpochsPerBlock`). */
const MAX_EPOCHS_PER_BLOCK = 2

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

/**
 * What begins a block: timelocked weights whose epoch and pulse have come are revealed, then the epochs that are due run,
 * and the others are counted one step on.
 */
export function stepEpochs(
  storage: Storage,
  netuids: readonly number[],
  block: number,
  emit: Call['emit'] = () => undefined,
): void {
  let ran = 0
  for (const netuid of netuids) {
    const due = epochDue(storage, netuid, block)
    const waits = due && countsEpochs(storage) && ran >= MAX_EPOCHS_PER_BLOCK
    if (waits) storage.put(MODULE, 'pendingEpochAt', [netuid], block + 1)
    else revealTimelocked({ storage, block, emit }, netuid)
    const fires = due && !waits
    if (fires) ran++
    stepEpoch(storage, netuid, block, fires)
  }
}

function stepEpoch(storage: Storage, netuid: number, block: number, fires: boolean): void {
  if (fires) runEpoch(storage, netuid, block)
  const since = storage.number(MODULE, 'blocksSinceLastStep', netuid)
  storage.put(MODULE, 'blocksSinceLastStep', [netuid], fires ? 0 : since + 1)
  if (!fires) return
  storage.put(MODULE, 'lastMechansimStepBlock', [netuid], block)
  if (!countsEpochs(storage)) return
  storage.put(MODULE, 'lastEpochBlock', [netuid], block)
  storage.put(MODULE, 'pendingEpochAt', [netuid], 0)
  const index = storage.number(MODULE, 'subnetEpochIndex', netuid)
  storage.put(MODULE, 'subnetEpochIndex', [netuid], index + 1)
}
