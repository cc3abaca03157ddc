import { expect, test } from 'vitest'
import { QUICKNET, roundAt, timeOf } from '../../src/beacon.ts'
import type { Epoch } from '../../src/chain/metagraph.ts'
import { revealBlock, revealRound } from '../../src/chain/timelock-weights.ts'

const NOW_MS = 1_790_000_000_000
const epochAt = (last: number, tempo: number, block: number): Epoch => ({
  index: 10,
  tempo,
  last,
  next: last + tempo,
  blocksLeft: last + tempo - block,
})
const timing = (block: number, { tempo = 360, revealPeriod = 1, blockMs = 12_000 } = {}) => ({
  epoch: epochAt(1000, tempo, block),
  revealPeriod,
  block,
  nowMs: NOW_MS,
  blockMs,
})

test.each([
  ['three blocks into the next epoch', timing(1100), 1363],
  ['further periods are whole tempos', timing(1100, { revealPeriod: 3 }), 1363 + 720],
  ['the last block that still counts for this epoch', timing(1358), 1363],
  ['a commit in the epoch’s own block belongs to the next', timing(1359), 1363 + 360],
  ['so does one while the epoch is late', timing(1365), 1363 + 360],
  ['an epoch shorter than that', timing(1000, { tempo: 2 }), 1003],
])('%s', (_, at, block) => {
  expect(revealBlock(at)).toBe(block)
})

test('the round is the newest one when its block comes, and the chain does not have it yet', () => {
  const at = timing(1100)
  const round = revealRound(QUICKNET, at, 5)!
  expect(round).toBe(roundAt(QUICKNET, NOW_MS + 263 * 12_000))
  expect(timeOf(QUICKNET, round)).toBeGreaterThan(NOW_MS + 260 * 12_000)
  expect(revealRound(QUICKNET, at, round)).toBe(round + 1)
})

test('a pulse that would come after the reveal epoch is none: the commit would be lost', () => {
  const at = timing(1100)
  // One block stores the pulse, the one after that opens, and then the next epoch begins.
  const endsMs = NOW_MS + (1360 + 360 - 2 - 1100) * 12_000
  const last = roundAt(QUICKNET, endsMs)
  expect(revealRound(QUICKNET, at, last - 1)).toBe(last)
  expect(revealRound(QUICKNET, at, last)).toBeUndefined()
})

test('at every block of an epoch the pulse falls into the epoch that reveals', () => {
  for (let block = 1000; block < 1365; block++) {
    const at = timing(block)
    const late = block + 1 >= 1360
    const startMs = NOW_MS + (1360 + (late ? 360 : 0) - block) * 12_000
    const pulseMs = timeOf(QUICKNET, revealRound(QUICKNET, at, 0)!)
    expect(pulseMs).toBeGreaterThanOrEqual(startMs)
    expect(pulseMs).toBeLessThan(startMs + 360 * 12_000)
  }
})
