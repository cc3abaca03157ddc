import { expect, test } from 'vitest'
import type { WeightRules } from '../../src/chain/chain-weights.ts'
import { refusalOf } from '../../src/chain/weight-rules.ts'

const epoch = { index: 7, tempo: 360, last: 1000, next: 1360, blocksLeft: 160 }
const good: WeightRules = {
  block: { number: 1200, hash: '0x' },
  epoch,
  neurons: 10,
  minWeights: 1,
  maxWeight: 65_535,
  uid: 3,
  permit: true,
  stakeSuffices: true,
  stake: 5n,
  stakeThreshold: 1n,
  lastUpdate: 1100,
  rateLimit: 100,
  versionKey: 0,
  way: 'hash',
  revealPeriod: 1,
  unrevealed: 9,
}

test('whoever keeps every rule is refused nothing', () => {
  expect(refusalOf(good)).toBeUndefined()
  expect(refusalOf({ ...good, lastUpdate: 0, rateLimit: 5000 })).toBeUndefined()
  expect(refusalOf({ ...good, way: 'direct', unrevealed: 10 })).toBeUndefined()
})

test.each([
  ['UNREGISTERED', { uid: undefined }, undefined],
  ['LOW_STAKE', { stakeSuffices: false }, undefined],
  ['NO_PERMIT', { permit: false }, 1360],
  ['RATE_LIMIT', { lastUpdate: 1101 }, 1201],
  ['TOO_MANY_COMMITS', { unrevealed: 10 }, 1360],
  ['TOO_MANY_COMMITS', { unrevealed: 10, block: { number: 1400, hash: '' } }, 1401],
] as const)('%s', (reason, change, retryAtBlock) => {
  const refusal = refusalOf({ ...good, ...change })
  expect(refusal).toMatchObject({ reason, message: expect.stringMatching(/\w{4}/) })
  expect(refusal?.retryAtBlock).toBe(retryAtBlock)
})

test('of several reasons the one that the chain would name is given', () => {
  const all = { uid: undefined, stakeSuffices: false, permit: false, lastUpdate: 1199 }
  expect(refusalOf({ ...good, ...all })?.reason).toBe('UNREGISTERED')
  expect(refusalOf({ ...good, ...all, uid: 1 })?.reason).toBe('LOW_STAKE')
})
