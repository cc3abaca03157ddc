import type { Row, YumaParameters, YumaState } from '../../src/chain/yuma/state.ts'
import { belowFrom } from './random.ts'
import { parameters } from './yuma-state.ts'

/**
 * A state in which anything that a chain allows may stand, the same for a seed: up to a dozen neurons with and without
 * seats, stake, weights (zeros and self-weights among them), bonds and commits, before and after registrations.
 */
export function randomState(seed: number, rules: Partial<YumaParameters> = {}): YumaState {
  const below = belowFrom(seed * 7919 + 1)
  const chance = (percent: number): boolean => below(100) < percent
  const n = 1 + below(12)
  const uids = Array.from({ length: n }, (_, uid) => uid)
  const block = 1000 + below(1000)
  const row = (percent: number, value: () => number): Row =>
    uids.filter(() => chance(percent)).map((uid) => [uid, value()] as const)
  const weight = (): number => (chance(15) ? 0 : 1 + below(65_535))
  return {
    block,
    tempo: 1 + below(360),
    lastEpochBlock: chance(30) ? 0 : block - below(400),
    ownerUid: chance(50) ? below(n) : undefined,
    parameters: {
      ...parameters,
      kappa: chance(60) ? 32_767 : below(65_536),
      bondsPenalty: chance(40) ? 65_535 : chance(30) ? 0 : below(65_536),
      bondsMovingAverage: below(1_000_001),
      maxValidators: 1 + below(n + 2),
      stakeThreshold: chance(50) ? 0n : BigInt(below(5000)),
      activityCutoff: chance(70) ? 5000 : below(1000),
      commitReveal: chance(50),
      ...rules,
    },
    neurons: uids.map(() => ({
      stake: chance(20) ? 0n : BigInt(1 + below(10 ** 9)) ** BigInt(1 + below(2)) / 1000n,
      permit: chance(70),
      lastUpdate: block - below(900),
      registeredAt: chance(70) ? 0 : block - below(900),
      committedAt: chance(70) ? undefined : block - below(900),
    })),
    weights: uids.map(() => (chance(25) ? [] : row(70, weight))),
    bonds: uids.map(() => (chance(40) ? [] : row(60, () => below(65_536)))),
  }
}
