// Expected numbers are those of the runtime's own unit tests (pallets/subtensor/src/tests/epoch.rs, spec 425), which
// give four places and allow a thousandth; yuma-reference.test.ts checks the bits.
import { expect, test } from 'vitest'
import { runYuma } from '../../../src/chain/yuma/epoch.ts'
import type { NeuronOutcome, Row } from '../../../src/chain/yuma/state.ts'
import { yumaState } from '../../support/yuma-state.ts'

interface Scene {
  readonly name: string
  /** Three validators, then the miners. */
  readonly stakes: readonly number[]
  readonly liquid: boolean
  /** Per epoch, the miner that each validator prefers. */
  readonly moves: readonly string[]
  /** Per epoch and validator, on each miner. */
  readonly bonds: readonly (readonly (readonly number[])[])[]
  readonly dividends: readonly (readonly number[])[]
}

// biome-ignore format: a row per epoch
const scenes: readonly Scene[] = [
  {
    name: 'test_yuma_3_kappa_moves_first',
    stakes: [8, 1, 1, 0, 0],
    liquid: true,
    moves: ['111', '211', '221', '222', '222', '222'],
    bonds: [
      [[0.1013, 0], [0.1013, 0], [0.1013, 0]],
      [[0.0908, 0.1013], [0.3697, 0], [0.3697, 0]],
      [[0.0815, 0.1924], [0.317, 0.1013], [0.558, 0]],
      [[0.0731, 0.2742], [0.2765, 0.1924], [0.4306, 0.1013]],
      [[0.0656, 0.3478], [0.2435, 0.2742], [0.3589, 0.1924]],
      [[0.0588, 0.4139], [0.2157, 0.3478], [0.3089, 0.2742]],
    ],
    dividends: [
      [0.8, 0.1, 0.1],
      [1, 0, 0],
      [0.9382, 0.0618, 0],
      [0.8819, 0.0773, 0.0407],
      [0.8564, 0.0844, 0.0592],
      [0.8418, 0.0884, 0.0697],
    ],
  },
  {
    name: 'test_yuma_3_kappa_moves_second',
    stakes: [8, 1, 1, 0, 0],
    liquid: true,
    moves: ['111', '121', '221', '222', '222', '222'],
    bonds: [
      [[0.1013, 0], [0.1013, 0], [0.1013, 0]],
      [[0.1924, 0], [0.0908, 0.2987], [0.1924, 0]],
      [[0.1715, 0.1013], [0.0815, 0.3697], [0.4336, 0]],
      [[0.1531, 0.1924], [0.0731, 0.4336], [0.3608, 0.1013]],
      [[0.1369, 0.2742], [0.0656, 0.491], [0.3103, 0.1924]],
      [[0.1225, 0.3478], [0.0588, 0.5426], [0.2712, 0.2742]],
    ],
    dividends: [
      [0.8, 0.1, 0.1],
      [0.8446, 0.0498, 0.1056],
      [0.6868, 0.3132, 0],
      [0.7421, 0.209, 0.0489],
      [0.7625, 0.1706, 0.0669],
      [0.773, 0.1508, 0.0762],
    ],
  },
  {
    name: 'test_yuma_3_kappa_moves_last',
    stakes: [8, 1, 1, 0, 0],
    liquid: true,
    moves: ['111', '121', '122', '222', '222', '222'],
    bonds: [
      [[0.1013, 0], [0.1013, 0], [0.1013, 0]],
      [[0.1924, 0], [0.0908, 0.2987], [0.1924, 0]],
      [[0.2742, 0], [0.0815, 0.5081], [0.1715, 0.2987]],
      [[0.2416, 0.1013], [0.0731, 0.558], [0.1531, 0.3697]],
      [[0.2141, 0.1924], [0.0656, 0.6028], [0.1369, 0.4336]],
      [[0.1903, 0.2742], [0.0588, 0.643], [0.1225, 0.491]],
    ],
    dividends: [
      [0.8, 0.1, 0.1],
      [0.8446, 0.0498, 0.1056],
      [0.8966, 0.0333, 0.0701],
      [0.4663, 0.321, 0.2127],
      [0.5976, 0.234, 0.1683],
      [0.6592, 0.1932, 0.1475],
    ],
  },
  {
    name: 'test_yuma_3_one_epoch_switch',
    stakes: [33, 33, 34, 0, 0],
    liquid: true,
    moves: ['111', '111', '112', '111', '111', '111'],
    bonds: [
      [[0.1013, 0], [0.1013, 0], [0.1013, 0]],
      [[0.1924, 0], [0.1924, 0], [0.1924, 0]],
      [[0.2742, 0], [0.2742, 0], [0.1715, 0.2987]],
      [[0.3478, 0], [0.3478, 0], [0.2554, 0.2618]],
      [[0.4139, 0], [0.4139, 0], [0.3309, 0.2312]],
      [[0.4733, 0], [0.4733, 0], [0.3987, 0.2051]],
    ],
    dividends: [
      [0.33, 0.33, 0.34],
      [0.33, 0.33, 0.34],
      [0.3782, 0.3782, 0.2436],
      [0.3628, 0.3628, 0.2745],
      [0.3541, 0.3541, 0.2917],
      [0.3487, 0.3487, 0.3026],
    ],
  },
  {
    name: 'test_yuma_3_liquid_alpha_disabled',
    stakes: [33, 33, 34, 0, 0],
    liquid: false,
    moves: ['111', '111', '112', '111', '111', '111'],
    bonds: [
      [[0.025, 0], [0.025, 0], [0.025, 0]],
      [[0.0494, 0], [0.0494, 0], [0.0494, 0]],
      [[0.0731, 0], [0.0731, 0], [0.0481, 0.025]],
      [[0.0963, 0], [0.0963, 0], [0.0719, 0.0244]],
      [[0.1189, 0], [0.1189, 0], [0.0951, 0.0238]],
      [[0.1409, 0], [0.1409, 0], [0.1178, 0.0232]],
    ],
    dividends: [
      [0.33, 0.33, 0.34],
      [0.33, 0.33, 0.34],
      [0.3734, 0.3734, 0.2532],
      [0.3611, 0.3611, 0.2779],
      [0.3541, 0.3541, 0.2919],
      [0.3495, 0.3495, 0.3009],
    ],
  },
  {
    name: 'test_yuma_3_stable_miner',
    stakes: [8, 1, 1, 0, 0, 0],
    liquid: true,
    moves: ['111', '121', '221', '222', '222', '222'],
    bonds: [
      [[0.0507, 0, 0.0507], [0.0507, 0, 0.0507], [0.0507, 0, 0.0507]],
      [[0.0962, 0, 0.0962], [0.0455, 0.1, 0.0962], [0.0962, 0, 0.0962]],
      [[0.0863, 0.0507, 0.1371], [0.0408, 0.1405, 0.1371], [0.177, 0, 0.1371]],
      [[0.0774, 0.0962, 0.1739], [0.0367, 0.177, 0.1739], [0.1579, 0.0507, 0.1739]],
      [[0.0694, 0.1371, 0.2069], [0.0329, 0.2097, 0.2069], [0.1411, 0.0962, 0.2069]],
      [[0.0623, 0.1739, 0.2366], [0.0296, 0.2391, 0.2366], [0.1263, 0.1371, 0.2366]],
    ],
    dividends: [
      [0.8, 0.1, 0.1],
      [0.8226, 0.0745, 0.1028],
      [0.775, 0.1685, 0.0565],
      [0.7864, 0.1372, 0.0764],
      [0.7912, 0.1241, 0.0847],
      [0.7937, 0.1173, 0.089],
    ],
  },
]

/** A validator's row: all to one of two miners; with three, half of it always to the third. */
function rowFor(choice: string, miners: number): Row {
  const [all, half] = [65_535, 32_767]
  const [first, second] = choice === '1' ? [1, 0] : [0, 1]
  if (miners === 2)
    return [
      [3, first * all],
      [4, second * all],
    ]
  return [
    [3, first * half],
    [4, second * half],
    [5, half],
  ]
}

/** Runs the epochs one after another; `between` may change the bonds before each. */
function play(
  { stakes, liquid, moves }: Pick<Scene, 'stakes' | 'liquid' | 'moves'>,
  between: (epoch: number, bonds: Row[]) => Row[] = (_, bonds) => bonds,
): NeuronOutcome[][] {
  let bonds: Row[] = stakes.map(() => [])
  return moves.map((choices, epoch) => {
    const rows = [...choices].map((choice) => rowFor(choice, stakes.length - 3))
    const outcomes = runYuma(
      yumaState({
        stakes,
        weights: { ...rows },
        bonds: between(epoch, bonds),
        block: epoch + 2,
        neurons: Object.fromEntries(stakes.map((_, uid) => [uid, { permit: uid < 3 }])),
        parameters: {
          yuma3: true,
          bondsPenalty: 0,
          bondsMovingAverage: 975_000,
          maxValidators: 3,
          liquidAlpha: liquid ? { low: 6553, high: 19_660, steepness: 1000 } : undefined,
        },
      }),
      1_000_000_000n,
    )
    bonds = outcomes.map((one) => [...one.bonds])
    return outcomes
  })
}

const near = (value: number, expected: number, what: string): void =>
  expect(Math.abs(value / 65_535 - expected), what).toBeLessThan(1e-3)

test.each(scenes)('$name', (scene) => {
  for (const [epoch, outcomes] of play(scene).entries())
    for (let validator = 0; validator < 3; validator++) {
      const held = new Map(outcomes[validator]!.bonds)
      scene.bonds[epoch]![validator]!.forEach((bond, miner) => {
        near(held.get(3 + miner) ?? 0, bond, `epoch ${epoch}, ${validator} on ${miner}`)
      })
      const expected = scene.dividends[epoch]![validator]!
      near(outcomes[validator]!.dividends, expected, `epoch ${epoch}, ${validator}`)
    }
})

test('test_yuma_3_bonds_reset: bonds on a miner that asked for it start anew', () => {
  const moves = Array.from({ length: 41 }, (_, epoch) =>
    epoch === 0 ? '111' : epoch === 1 ? '122' : epoch < 21 ? '222' : epoch === 21 ? '211' : '111',
  )
  const run = play({ stakes: [8, 1, 1, 0, 0], liquid: true, moves }, (epoch, bonds) =>
    epoch === 20 ? bonds.map((row) => row.filter(([miner]) => miner !== 3)) : bonds,
  )
  // biome-ignore format: a row per epoch
  const expected: [epoch: number, dividends: number[], first: number[], second: number[]][] = [
    [0, [0.8, 0.1, 0.1], [0.1013, 0], [0.1013, 0]],
    [1, [0.8944, 0.0528, 0.0528], [0.1924, 0], [0.0908, 0.2987]],
    [2, [0.523, 0.2385, 0.2385], [0.1715, 0.1013], [0.0815, 0.3697]],
    [19, [0.7919, 0.104, 0.104], [0.0269, 0.8539], [0.0131, 0.8975]],
    [20, [0.7928, 0.1036, 0.1036], [0, 0.8687], [0, 0.9079]],
    [21, [0.8467, 0.0766, 0.0766], [0, 0.882], [0.2987, 0.6386]],
    [40, [0.7928, 0.1036, 0.1036], [0.8687, 0.0578], [0.9079, 0.0523]],
  ]
  for (const [epoch, dividends, first, second] of expected) {
    dividends.forEach((value, uid) => {
      near(run[epoch]![uid]!.dividends, value, `dividends, epoch ${epoch}`)
    })
    for (const [uid, bonds] of [first, second].entries()) {
      const held = new Map(run[epoch]![uid]!.bonds)
      bonds.forEach((value, miner) => {
        near(held.get(3 + miner) ?? 0, value, `bonds, epoch ${epoch}`)
      })
    }
  }
})
