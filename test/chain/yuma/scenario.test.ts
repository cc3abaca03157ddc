import { expect, test } from 'vitest'
import { parseScenario, scenarioText } from '../../../src/chain/yuma/scenario.ts'
import { randomState } from '../../support/random-yuma.ts'

const scenario = (seed: number) => {
  const state = randomState(seed, {
    yuma3: true,
    liquidAlpha: seed % 2 === 0 ? { low: 1, high: 2, steepness: -5 } : undefined,
  })
  return { hotkeys: state.neurons.map((_, uid) => `5F${uid}`), state, emission: 2n ** 60n }
}

test('a scenario survives its file', () => {
  for (let seed = 0; seed < 20; seed++)
    expect(parseScenario(scenarioText(scenario(seed)))).toEqual(scenario(seed))
})

type Json = Record<string, unknown>

/** The text with one field of its JSON, by its path, otherwise. */
function changed(path: string, value: unknown): string {
  const file = JSON.parse(scenarioText(scenario(2))) as Json
  const keys = path.split('.')
  const holder = keys.slice(0, -1).reduce((at, key) => at[key] as Json, file)
  holder[keys.at(-1)!] = value
  return JSON.stringify(file)
}

test.each([
  ['no JSON', '{'],
  ['version', changed('version', 2)],
  ['emission', changed('emission', 5)],
  ['neurons: ', changed('neurons', [])],
  ['parameters.kappa', changed('parameters.kappa', 70_000)],
  ['neurons.0.stake', changed('neurons.0.stake', '-1')],
  ['neurons.0.weights.0.1', changed('neurons.0.weights', [[0, 0.5]])],
  ['a uid stands twice', changed('neurons.0.weights', Array(2).fill([1, 1]))],
  ['no uid 4000', changed('neurons.0.bonds', [[4000, 1]])],
  ['nrecognized', changed('neurons.0.more', 1)],
])('a file with a mistake is refused by its place: %s', (words, text) => {
  expect(() => parseScenario(text)).toThrow(
    expect.objectContaining({
      code: 'BAD_CONFIG_SCENARIO',
      message: expect.stringContaining(words),
    }),
  )
})
