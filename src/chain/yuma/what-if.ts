import { NodeError } from '../../errors.ts'
import type { Scenario } from './scenario.ts'
import type { Row, YumaNeuron, YumaState } from './state.ts'

/** What shall be otherwise than it is; each on its own or together. */
export interface WhatIf {
  /** One weight of one validator, u16; 0 takes it away. */
  readonly weights: readonly {
    readonly from: number
    readonly to: number
    readonly value: number
  }[]
  /** Base units that count for a uid. */
  readonly stakes: readonly { readonly uid: number; readonly stake: bigint }[]
  /** Of 65535. */
  readonly kappa?: number | undefined
  readonly yuma3?: boolean | undefined
  /** Base units per epoch. */
  readonly emission?: bigint | undefined
  /** Validators that give all to one miner. */
  readonly cabal?: { readonly validators: readonly number[]; readonly miner: number } | undefined
}

/**
 * The scenario with what shall be otherwise. Whoever's weights change set them just before the epoch; stake keeps no
 * seat and gives none before the epoch after. BAD_CONFIG_UID for a uid that is not there.
 */
export function applyWhatIf(scenario: Scenario, whatIf: WhatIf): Scenario {
  const { state } = scenario
  const { kappa, yuma3, emission, cabal } = whatIf
  assertUids(state, whatIf)
  const rows = new Map<number, Row>()
  for (const uid of cabal?.validators ?? []) rows.set(uid, [[cabal!.miner, 65_535]])
  for (const { from, to, value } of whatIf.weights)
    rows.set(from, withCell(rows.get(from) ?? state.weights[from]!, to, value))
  const changed: YumaState = {
    ...state,
    parameters: {
      ...state.parameters,
      ...(kappa === undefined ? {} : { kappa }),
      ...(yuma3 === undefined ? {} : { yuma3 }),
    },
    neurons: withStakes(state.neurons, whatIf),
  }
  return {
    ...scenario,
    ...(emission === undefined ? {} : { emission }),
    state: withRows(changed, rows),
  }
}

/** A state in which these validators have set these rows just before the epoch. */
export function withRows(state: YumaState, rows: ReadonlyMap<number, Row>): YumaState {
  const lastUpdate = state.block - 1
  return {
    ...state,
    neurons: state.neurons.map((one, uid) => (rows.has(uid) ? { ...one, lastUpdate } : one)),
    weights: state.weights.map((row, uid) => rows.get(uid) ?? row),
  }
}

const withCell = (row: Row, to: number, value: number): Row =>
  [...row.filter(([uid]) => uid !== to), ...(value > 0 ? [[to, value] as const] : [])].sort(
    ([a], [b]) => a - b,
  )

const withStakes = (neurons: readonly YumaNeuron[], { stakes }: WhatIf): YumaNeuron[] =>
  neurons.map((one, uid) => {
    const said = stakes.findLast((stake) => stake.uid === uid)
    return said === undefined ? one : { ...one, stake: said.stake }
  })

function assertUids({ neurons }: YumaState, { weights, stakes, cabal }: WhatIf): void {
  const said = [
    ...weights.flatMap(({ from, to }) => [from, to]),
    ...stakes.map(({ uid }) => uid),
    ...(cabal === undefined ? [] : [...cabal.validators, cabal.miner]),
  ]
  for (const uid of said) assertUid(neurons.length, uid)
}

/** BAD_CONFIG_UID unless there is such a uid among `n`. */
export function assertUid(n: number, uid: number): void {
  if (uid < n) return
  throw new NodeError('BAD_CONFIG_UID', `there is no uid ${uid} in this subnet of ${n}`, {
    next: 'compute-node chain metagraph lists them',
  })
}
