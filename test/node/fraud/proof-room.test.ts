import { expect, test } from 'vitest'
import { whichGo } from '../../../src/node/fraud/proof-room.ts'

const proof = (
  accused: string,
  slot: number,
  { bytes = 1, bound = true, stake = 1n }: { bytes?: number; bound?: boolean; stake?: bigint } = {},
) => ({ accused, slot, bytes, isBound: () => bound, stake: () => stake })

test('nothing goes while all fit', () => {
  const all = [proof('a', 1), proof('a', 2)]
  expect(whichGo(all, { perAccused: 2, bytes: 2 })).toEqual([])
})

test('of one accused, those that least stake speaks of go, of these the oldest', () => {
  const strike = proof('a', 1, { stake: 90n })
  const invented = [5, 3, 4].map((slot) => proof('a', slot, { stake: 10n }))
  const other = proof('b', 1, { stake: 0n })
  const gone = whichGo([strike, ...invented, other], { perAccused: 2, bytes: 100 })
  expect(gone.map(({ slot }) => slot)).toEqual([3, 4])
})

test('those whose accused nobody bound go before all others, whatever is said of them', () => {
  const bound = [proof('miner', 1, { stake: 0n }), proof('miner', 2, { bytes: 60 })]
  const flood = Array.from({ length: 1000 }, (_, i) =>
    proof(`name-${i}`, 100 + i, { bound: false, stake: 1000n }),
  )
  const gone = whichGo([...flood, ...bound], { perAccused: 256, bytes: 64 })
  expect(gone).toHaveLength(997)
  expect(gone.some(({ accused }) => accused === 'miner')).toBe(false)
})

test('among the bound, who has most loses its own', () => {
  const few = proof('few', 1, { stake: 0n, bytes: 10 })
  const many = Array.from({ length: 10 }, (_, i) => proof('many', 10 + i, { bytes: 10 }))
  const gone = whichGo([few, ...many], { perAccused: 256, bytes: 50 })
  expect(gone.map(({ slot }) => slot)).toEqual([10, 11, 12, 13, 14, 15])
})
