import type { Scenario } from '../chain/yuma/scenario.ts'
import type { SimulatedEpoch } from '../chain/yuma/simulate.ts'
import { formatTao } from './format-tao.ts'

/** What a neuron gets in the last epoch of a simulation, and altogether; u16 figures are of 65535. */
export interface Earned {
  readonly validatorTrust: number
  readonly incentive: number
  readonly dividends: number
  /** Alpha of the last epoch, decimal. */
  readonly emission: string
  /** Alpha of all epochs, decimal. */
  readonly total: string
}

/** One neuron as `chain simulate --json` prints it. */
export interface SimulatedNeuron extends Earned {
  readonly uid: number
  readonly hotkey: string
  /** Alpha that counts, decimal. */
  readonly stake: string
  /** Whether it has a seat as a validator after the last epoch. */
  readonly validatorPermit: boolean
  readonly active: boolean
  readonly consensus: number
  /** Pairs of miner and bond, of 65535. */
  readonly bonds: readonly (readonly [uid: number, bond: number])[]
  /** Alpha of each epoch, decimal. */
  readonly course: readonly string[]
  /** The same without what the command line changes; null when it changes nothing. */
  readonly before: Earned | null
}

/** What `chain simulate --json` prints. */
export interface Simulation {
  /** Block of the first epoch. */
  readonly block: number
  readonly epochs: number
  readonly yuma: 2 | 3
  /** Epochs for which weights are hidden. */
  readonly commitReveal: number
  /** Alpha that an epoch shares out, decimal. */
  readonly emission: string
  readonly items: readonly SimulatedNeuron[]
}

/** Puts a simulation, and one without its what-ifs, into one document. */
export function simulationOf(
  scenario: Scenario,
  history: readonly SimulatedEpoch[],
  before: readonly SimulatedEpoch[] | undefined,
  commitReveal: number,
): Simulation {
  const { state, hotkeys, emission } = scenario
  const last = history.at(-1)!
  return {
    block: state.block,
    epochs: history.length,
    yuma: state.parameters.yuma3 ? 3 : 2,
    commitReveal,
    emission: formatTao(emission),
    items: hotkeys.map((hotkey, uid) => {
      const { permit, active, consensus, bonds } = last.outcomes[uid]!
      return {
        uid,
        hotkey,
        stake: formatTao(state.neurons[uid]!.stake),
        validatorPermit: permit,
        active,
        consensus,
        ...earned(history, uid),
        bonds,
        course: history.map(({ outcomes }) => formatTao(outcomes[uid]!.emission)),
        before: before === undefined ? null : earned(before, uid),
      }
    }),
  }
}

function earned(history: readonly SimulatedEpoch[], uid: number): Earned {
  const { validatorTrust, incentive, dividends, emission } = history.at(-1)!.outcomes[uid]!
  const total = history.reduce((sum, { outcomes }) => sum + outcomes[uid]!.emission, 0n)
  const amounts = { emission: formatTao(emission), total: formatTao(total) }
  return { validatorTrust, incentive, dividends, ...amounts }
}
