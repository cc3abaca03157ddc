import { expect, test } from 'vitest'
import { burnedAlpha } from '../../src/node/burned-alpha.ts'
import type { ScoringBlock } from '../../src/node/scoring-block.ts'

const block: ScoringBlock = {
  atMs: 12_000_000,
  registered: [1, 2].map((n) => ({
    publicKey: new Uint8Array(32).fill(n),
    address: `hotkey ${n}`,
    sinceMs: 0,
  })),
  burning: { block: 1000, blockMs: 12_000, minersPerBlock: 1000 },
}
const window = { fromMs: 12_000_000 - 300 * 12_000, toMs: 12_000_000 - 50 * 12_000 }

test('what was burned on registered hotkeys while the slots were, and what miners got meanwhile', () => {
  const asked: number[][] = []
  const between = (...blocks: [number, number]) => {
    asked.push(blocks)
    return new Map([
      ['hotkey 1', 5000n],
      ['hotkey 3', 1n],
    ])
  }
  expect(burnedAlpha(block, block.atMs!, window, { between })).toEqual({
    burned: new Map([['01'.repeat(32), 5000]]),
    emission: 251_000,
  })
  expect(asked).toEqual([[700, 950]])
})

test('nothing is counted where a block is missing, or where blocks tell no time', () => {
  expect(burnedAlpha(block, block.atMs!, window, { between: () => undefined })).toEqual({})
  const between = () => new Map([['hotkey 1', 5000n]])
  expect(burnedAlpha({ ...block, burning: undefined }, 1, window, { between })).toEqual({})
})
