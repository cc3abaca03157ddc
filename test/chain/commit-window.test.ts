import { expect, test } from 'vitest'
import { windowOf } from '../../src/chain/commit-window.ts'

const epoch = { index: 7, tempo: 360, last: 1000, next: 1360, blocksLeft: 160 }

test.each([
  [7, 1, 'early', 1360, 1720],
  [6, 1, 'open', 1000, 1360],
  [5, 1, 'expired', 640, 1000],
  [7, 3, 'early', 2080, 2440],
  [4, 3, 'open', 1000, 1360],
] as const)(
  'made in epoch %d with period %d it is %s',
  (made, revealPeriod, state, opensAt, closesAt) => {
    const now = { epoch, block: 1200, revealPeriod, statefulEpochs: true }
    expect(windowOf(['0x1', made, 1100, 0], now)).toEqual({ hash: '0x1', state, opensAt, closesAt })
  },
)

test.each([
  [1198, 'early'],
  [1199, 'open'],
  [1499, 'open'],
  [1500, 'expired'],
] as const)('where epochs go by number, at block %d it is %s', (block, state) => {
  const now = { epoch, block, revealPeriod: 1, statefulEpochs: false }
  const window = windowOf(['0x1', 900, 1200, 1500], now)
  expect(window).toEqual({ hash: '0x1', state, opensAt: 1200, closesAt: 1501 })
})
