import { expect, test } from 'vitest'
import { PUBLIC_CONSTANTS as C } from '../../../../src/node/scoring/constants.ts'
import { minerWeights } from '../../../../src/node/scoring/miner-weights.ts'

/** What `a` gets of the emission of a window when it burns so much. */
function paid(burned: number, others: number, emission: number): number {
  const miners = new Map([
    ['a', { rated: 20, burned }],
    ['b', { rated: others, burned: 0 }],
  ])
  const { weights, burn } = minerWeights(miners, emission, C)
  return (weights.get('a')! / (weights.get('a')! + weights.get('b')! + burn)) * emission
}

test('who burns to look rented loses at least a tenth of it, however full the network', () => {
  for (const others of [0, 80, 900, 980, 5000, 100_000]) {
    for (const spend of [0.01, 0.1, 1, 5, 20, 100]) {
      const gain = paid(spend, others, 1000) - paid(0, others, 1000)
      expect(gain).toBeLessThanOrEqual(0.9 * spend + 1e-3)
    }
  }
})
