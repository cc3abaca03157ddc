import { expect, test } from 'vitest'
import { simulate } from '../../src/chain/yuma/simulate.ts'
import { applyWhatIf } from '../../src/chain/yuma/what-if.ts'
import { renderTable } from '../../src/node/output.ts'
import { outputSchemas } from '../../src/node/output-schemas.ts'
import { simulationOf } from '../../src/node/simulation.ts'
import { simulationColumns } from '../../src/node/simulation-table.ts'
import { yumaState } from '../support/yuma-state.ts'

const row = [[2, 65_535] as const]
const state = yumaState({
  stakes: [30_000_000_000n, 10_000_000_000n, 0, 0],
  block: 100,
  weights: { 0: row, 1: row },
  neurons: { 2: { permit: false }, 3: { permit: false } },
})
const scenario = { hotkeys: ['a', 'b', 'c', 'd'], state, emission: 8_000_000_000n }
const table = (epochs: number, whatIf = false): string[] => {
  const course = { epochs, drift: 0, hiddenEpochs: 0 }
  const cabal = { validators: [0], miner: 3 }
  const changed = whatIf ? applyWhatIf(scenario, { weights: [], stakes: [], cabal }) : scenario
  const before = whatIf ? simulate(scenario, course) : undefined
  const simulation = simulationOf(changed, simulate(changed, course), before, 0)
  expect(outputSchemas['chain simulate']!.schema.parse(simulation)).toEqual(simulation)
  return renderTable(simulation.items, simulationColumns(simulation))
}

test('one epoch is a table with a bar of everybody’s share', () => {
  expect(table(1)).toEqual([
    'UID  HOTKEY    STAKE  SEAT  VTRUST  DIVIDENDS  INCENTIVE  BONDS  EMISSION  SHARE',
    '  0  a       30.0000  yes   1.0000     0.7500     0.0000      1    3.0000  █████████',
    '  1  b       10.0000  yes   1.0000     0.2500     0.0000      1    1.0000  ███',
    '  2  c        0.0000  no    0.0000     0.0000     1.0000      0    4.0000  ████████████',
    '  3  d        0.0000  no    0.0000     0.0000     0.0000      0    0.0000',
  ])
})

test('what if is set beside what was, and several epochs are a line', () => {
  const [title, ...rows] = table(3, true)
  expect(title).toMatch(/EMISSION +WAS +IN ALL {2}EMISSION IN 3 EPOCHS$/)
  expect(rows[1]).toMatch(/0\.0000 +1\.0000 +-100\.00 % {2}▅▅▅$/)
  expect(rows[3]).toMatch(/4\.0000 +0\.0000 +new {2}▅▅▅$/)
})
