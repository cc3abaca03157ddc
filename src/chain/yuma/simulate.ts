import { drifted } from './drift.ts'
import { runYuma } from './epoch.ts'
import type { Scenario } from './scenario.ts'
import type { NeuronOutcome, Row, YumaState } from './state.ts'
import { assertUid, withRows } from './what-if.ts'

/** How the epochs follow one another. */
export interface Course {
  readonly epochs: number
  /** How far what miners are worth moves in an epoch, as a share; honest validators follow it at once. */
  readonly drift: number
  /** Epochs for which weights stay hidden before they count; 0 = they are seen at once. */
  readonly hiddenEpochs: number
  /** A validator that sets what it sees of the others' consensus instead of judging itself. */
  readonly copier?: number | undefined
}

/** One epoch of a simulation. */
export interface SimulatedEpoch {
  readonly block: number
  /** Index = uid. */
  readonly outcomes: readonly NeuronOutcome[]
}

/**
 * Runs epochs one after another: bonds and seats carry over, stakes and registrations stay. Validators that are active
 * at the start go on setting weights: what they think now, as far as it drifts, counts `hiddenEpochs` later. A copier
 * takes the consensus of the weights that are open in that moment, so hiding makes it late by as much again.
 */
export function simulate(scenario: Scenario, course: Course): SimulatedEpoch[] {
  const { copier, epochs } = course
  if (copier !== undefined) assertUid(scenario.hotkeys.length, copier)
  const open = openRows(scenario, course)
  const history: SimulatedEpoch[] = []
  let { state } = scenario
  for (let epoch = 0; epoch < epochs; epoch++) {
    // The first epoch has what stands on the chain, old weights included.
    const rows = epoch === 0 ? new Map<number, Row>() : open.honest(epoch)
    if (copier !== undefined) rows.set(copier, open.consensus(epoch - course.hiddenEpochs))
    state = withRows(state, rows)
    const outcomes = runYuma(state, scenario.emission)
    history.push({ block: state.block, outcomes })
    state = after(state, outcomes)
  }
  return history
}

/** Where the next epoch starts. */
const after = (state: YumaState, outcomes: readonly NeuronOutcome[]): YumaState => ({
  ...state,
  block: state.block + state.tempo,
  lastEpochBlock: state.block,
  neurons: state.neurons.map((one, uid) => ({
    ...one,
    permit: outcomes[uid]!.permit,
    committedAt: undefined,
  })),
  bonds: outcomes.map(({ bonds }) => bonds),
})

/** What is open on the chain in an epoch: the honest validators' rows, and the consensus that a copier sees in them. */
function openRows({ state }: Scenario, { drift, hiddenEpochs, copier }: Course) {
  const active = (uid: number): boolean =>
    state.neurons[uid]!.lastUpdate + state.parameters.activityCutoff >= state.block
  const setters = state.weights.flatMap((row, uid) =>
    row.length > 0 && uid !== copier && active(uid) ? [uid] : [],
  )
  const honest = (epoch: number): Map<number, Row> =>
    new Map(setters.map((uid) => [uid, drifted(state.weights[uid]!, drift, epoch - hiddenEpochs)]))
  const known = new Map<number, Row>()
  const consensus = (epoch: number): Row => {
    const found = known.get(epoch)
    if (found !== undefined) return found
    const seen = withRows(state, new Map(honest(epoch)))
    // Without a seat the copier's stake weighs nothing, so this is what the others agree on.
    const neurons = seen.neurons.map((one, uid) =>
      uid === copier ? { ...one, permit: false } : one,
    )
    const outcomes = runYuma({ ...seen, neurons }, 0n)
    const row = outcomes.flatMap((one, uid) =>
      one.consensus > 0 ? [[uid, one.consensus] as const] : [],
    )
    known.set(epoch, row)
    return row
  }
  return { honest, consensus }
}
