import type { Scenario } from '../chain/yuma/scenario.ts'
import { type Course, simulate } from '../chain/yuma/simulate.ts'
import { applyWhatIf, type WhatIf } from '../chain/yuma/what-if.ts'
import { type Simulation, simulationOf } from './simulation.ts'

/** A subnet as it was read, what shall be otherwise, and how long it goes on. */
export interface SimulationAsked {
  readonly scenario: Scenario
  readonly whatIf: WhatIf
  readonly course: Course
}

/** The next epochs of a subnet with what is otherwise, beside those without. BAD_CONFIG_UID for a uid that is not there. */
export function simulationAsked({ scenario: read, whatIf, course }: SimulationAsked): Simulation {
  const scenario = applyWhatIf(read, whatIf)
  const history = simulate(scenario, course)
  const before = changesNothing(whatIf, course)
    ? undefined
    : simulate(read, { ...course, copier: undefined })
  return simulationOf(scenario, history, before, course.hiddenEpochs)
}

const changesNothing = ({ weights, stakes, ...rest }: WhatIf, { copier }: Course): boolean =>
  weights.length + stakes.length === 0 &&
  [...Object.values(rest), copier].every((one) => one === undefined)
