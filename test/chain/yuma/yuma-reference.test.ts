import { expect, test } from 'vitest'
import { runYuma } from '../../../src/chain/yuma/epoch.ts'
import { randomState } from '../../support/random-yuma.ts'
import { referenceEpoch } from '../../support/yuma-reference.ts'

const kinds = [
  ['Yuma2', {}],
  ['Yuma3', { yuma3: true, liquidAlpha: undefined }],
  [
    'Yuma3 with liquid alpha',
    { yuma3: true, liquidAlpha: { low: 6553, high: 49_151, steepness: 1000 } },
  ],
] as const

test.each(kinds)('%s gives the very bits of plain big numbers, on any state', (_, parameters) => {
  for (let seed = 0; seed < 60; seed++) {
    let state = randomState(seed, parameters)
    for (let epoch = 0; epoch < 3; epoch++) {
      const emission = 295_200_000_000n + BigInt(seed)
      const outcomes = runYuma(state, emission)
      expect(outcomes, `seed ${seed}, epoch ${epoch}`).toEqual(referenceEpoch(state, emission))
      const neurons = state.neurons.map((one, uid) => ({ ...one, permit: outcomes[uid]!.permit }))
      state = { ...state, neurons, bonds: outcomes.map(({ bonds }) => bonds) }
    }
  }
})
