import { expect, test } from 'vitest'
import { chunksOf } from '../../src/node/report-chunks.ts'
import { MAX_CHUNKS, MAX_ROWS } from '../../src/protocols/attestations.ts'

const SLOT = 24
const row = (miner: string, i: number) => ({ miner, gpu: `gpu-${i}` })
const devices = (miner: string, count: number) =>
  Array.from({ length: count }, (_, i) => row(miner, i))
const MOST = MAX_CHUNKS * MAX_ROWS

test('rows keep their order in as few chunks as fit; none make no chunk', () => {
  const rows = devices('a', 2 * MAX_ROWS + 1)
  const chunks = chunksOf(SLOT, rows)
  expect(chunks.map(({ length }) => length)).toEqual([MAX_ROWS, MAX_ROWS, 1])
  expect(chunks.flat()).toEqual(rows)
  expect(chunksOf(SLOT, [])).toEqual([])
})

test('as many rows as fit all have a place', () => {
  expect(chunksOf(SLOT, devices('a', MOST)).flat()).toHaveLength(MOST)
})

test('of more, the miner with very many devices loses places, and nobody else', () => {
  const others = Array.from({ length: 100 }, (_, i) => devices(`small-${i}`, 1 + (i % 8))).flat()
  const chunks = chunksOf(SLOT, [...devices('large', MOST), ...others])
  expect(chunks).toHaveLength(MAX_CHUNKS)
  const placed = chunks.flat()
  expect(placed).toHaveLength(MOST)
  expect(placed.filter(({ miner }) => miner !== 'large')).toHaveLength(others.length)
  expect(new Set(placed.map(({ miner, gpu }) => `${miner}/${gpu}`)).size).toBe(MOST)
})

test('who is left out is the same whatever the order of rows, and others in another slot', () => {
  const rows = Array.from({ length: MOST + 100 }, (_, i) => row(`miner-${i}`, 0))
  const placedIn = (slot: number, of: typeof rows) =>
    new Set(
      chunksOf(slot, of)
        .flat()
        .map(({ miner }) => miner),
    )
  const placed = placedIn(SLOT, rows)
  expect(placedIn(SLOT, rows.toReversed())).toEqual(placed)
  expect(placedIn(SLOT + 12, rows)).not.toEqual(placed)
})
