import { expect, test } from 'vitest'
import { ownLines, timelockedLines } from '../../../src/node/commands/chain-weights.ts'
import type { OwnWeights } from '../../../src/node/own-weights.ts'

const mine: OwnWeights = {
  hotkey: '5Hot',
  uid: 3,
  way: 'hash',
  setAtBlock: 1100,
  commits: [
    { hash: '0x1', state: 'expired', opensAtBlock: 640, closesAtBlock: 1000 },
    { hash: '0x2', state: 'early', opensAtBlock: 1360, closesAtBlock: 1720 },
  ],
  epoch: { index: 7, tempo: 360, endsAtBlock: 1360, blocksLeft: 160, minutesLeft: 32 },
  refusal: { reason: 'RATE_LIMIT', message: 'too soon', retryAtBlock: 1201 },
}

test('what was set, what is to be revealed when, the deadline and the reason are told', () => {
  expect(ownLines(mine, 1200)).toEqual([
    'own weights of 5Hot: last set or committed at block 1100, as a hash that is revealed later',
    'a commit was not revealed before block 1000: it is lost',
    'a commit is to be revealed from block 1360 until before 1720',
    'epoch 7 ends at block 1360, in 160 of 360 blocks (about 32 min); now 1200',
    'weights cannot be set now: too soon (RATE_LIMIT); again at block 1201',
  ])
})

test('who may set them is told so, and a local chain has no minutes', () => {
  const epoch = { ...mine.epoch, minutesLeft: null }
  const free = {
    ...mine,
    setAtBlock: null,
    commits: [],
    epoch,
    refusal: null,
    way: 'direct',
  } as const
  expect(ownLines(free, 1200)).toEqual([
    'own weights of 5Hot: never set, openly',
    'epoch 7 ends at block 1360, in 160 of 360 blocks; now 1200',
    'weights can be set now',
  ])
})

test('hidden weights are told with the block that opens them, and those that will be lost', () => {
  const one = { hotkey: '5Hot', own: true, committedAtBlock: 1100, round: 77 }
  expect(
    timelockedLines([
      { ...one, opensAtBlock: 1363, closesAtBlock: 1720 },
      { ...one, hotkey: '5Other', own: false, opensAtBlock: 1720, closesAtBlock: 1720 },
    ]),
  ).toEqual([
    'own weights of 5Hot, timelocked at block 1100 to round 77: the chain opens them at about block 1363',
    'weights of 5Other, timelocked at block 1100 to round 77: their pulse comes after block 1720: they will be lost',
  ])
})
