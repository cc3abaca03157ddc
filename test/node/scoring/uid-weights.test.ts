import { expect, test } from 'vitest'
import type { ScoreReport } from '../../../src/node/scoring/score.ts'
import { uidWeights } from '../../../src/node/scoring/uid-weights.ts'

const key = (n: number) => new Uint8Array(32).fill(n)
const neurons = [
  { uid: 0, hotkeyPublicKey: key(0) },
  { uid: 1, hotkeyPublicKey: key(1) },
  { uid: 2, hotkeyPublicKey: key(2) },
]
const report = (weights: Record<number, number>, burn = 0, ok = 1) =>
  ({
    burn,
    miners: new Map(
      Object.entries(weights).map(([n, weight]) => {
        const hotkey = Buffer.from(key(Number(n))).toString('hex')
        return [hotkey, { hotkey, weight, gpus: [{ ok, failed: 0 }] }]
      }),
    ),
  }) as unknown as ScoreReport
const rows = (result: ReturnType<typeof uidWeights>) =>
  result.kind === 'weights' ? [...result.byUid] : result.reason

test.each<[string, ScoreReport, number | undefined, unknown]>([
  [
    'weights go to the uids of their hotkeys',
    report({ 1: 3, 2: 1 }),
    0,
    [
      [1, 3],
      [2, 1],
    ],
  ],
  [
    'what is not earned goes to the uid that burns',
    report({ 1: 3 }, 97),
    0,
    [
      [1, 3],
      [0, 97],
    ],
  ],
  ['an owner that also mines keeps both', report({ 0: 3 }, 97), 0, [[0, 100]]],
  [
    'without a burn uid the earned is divided among its earners',
    report({ 1: 3 }, 97),
    undefined,
    [[1, 3]],
  ],
  ['all zero is burned', report({ 1: 0 }, 0), 0, [[0, 1]]],
  ['all zero without a burn uid is nothing', report({ 1: 0 }, 0), undefined, 'NO_BURN_UID'],
  ['no outcome is nothing, never zeros', report({ 1: 0 }, 1000, 0), 0, 'NO_EVIDENCE'],
  ['nobody is nothing', report({}, 1000), 0, 'NO_EVIDENCE'],
  ['a hotkey that left gets nothing', report({ 1: 3, 9: 5 }), undefined, [[1, 3]]],
])('%s', (_, scores, burnUid, expected) =>
  expect(rows(uidWeights(scores, neurons, burnUid))).toEqual(expected),
)
