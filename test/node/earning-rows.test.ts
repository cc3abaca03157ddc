import { describe, expect, test } from 'vitest'
import type { EpochEarning } from '../../src/chain/chain-earnings.ts'
import {
  earningRow,
  epochsToRead,
  mergedEarnings,
  totalOf,
  wantedRange,
} from '../../src/node/earning-rows.ts'
import { earningFromJson, earningToJson } from '../../src/node/earnings-book.ts'
import { newEarnings } from '../../src/node/earnings-recorder.ts'

const ALPHA = 1_000_000_000n
const read = (
  epoch: number,
  emission = ALPHA,
  priceRao: bigint | undefined = ALPHA / 2n,
): EpochEarning => ({
  ...{
    state: 'read',
    epoch,
    block: epoch * 10,
    uid: 3,
    incentive: 7,
    incentives: [7],
    dividends: 0,
  },
  ...{ emission, stake: 5n * ALPHA, ...(priceRao === undefined ? {} : { priceRao }) },
})
const gone = (epoch: number): EpochEarning => ({ state: 'discarded', epoch, block: null })
const stranger = (epoch: number): EpochEarning => ({
  state: 'unregistered',
  epoch,
  block: epoch * 10,
})
const shape = (items: ReturnType<typeof mergedEarnings>['items']) =>
  items.map(({ earning, source }) => `${earning.epoch} ${earning.state} ${source}`)

test('a range is what is named, or the newest so many epochs', () => {
  expect(wantedRange(50, 3, {})).toEqual({ from: 48, to: 50 })
  expect(wantedRange(50, 3, { to: 40 })).toEqual({ from: 38, to: 40 })
  expect(wantedRange(50, 3, { from: 45, to: 60 })).toEqual({ from: 45, to: 50 })
  expect(wantedRange(2, 10, {})).toEqual({ from: 1, to: 2 })
})

test('only what was not written down is asked of the chain', () => {
  const range = { from: 5, to: 8 }
  expect(
    epochsToRead(
      range,
      10,
      [5, 6, 7, 8].map((epoch) => read(epoch)),
    ),
  ).toBe(0)
  expect(epochsToRead(range, 10, [read(5), gone(6), read(7)])).toBe(5 + 2)
  expect(epochsToRead(range, 10, [])).toBe(6 + 2)
})

describe('the chain and the record together', () => {
  test('fill each other; what neither knows is said, and of what was before all one row', () => {
    const { items, epochs } = mergedEarnings(
      { from: 1, to: 9 },
      [read(4), gone(5), read(6), gone(7)],
      [gone(7), read(8), stranger(9)],
      9,
    )
    expect(shape(items)).toEqual([
      '3 discarded null',
      '4 read record',
      '5 discarded null',
      '6 read record',
      '7 discarded null',
      '8 read chain',
      '9 unregistered chain',
    ])
    expect(epochs).toBe(9)
    expect(totalOf({ items, epochs })).toEqual({
      ...{ epochs: 9, read: 3, unregistered: 1, unknown: 5 },
      ...{ emission: '3', worth: '1.5' },
    })
  })

  test('a gap that an archive node knows is none', () => {
    const { items } = mergedEarnings(
      { from: 4, to: 5 },
      [read(4), gone(5)],
      [read(5, 2n * ALPHA)],
      1,
    )
    expect(shape(items)).toEqual(['4 read record', '5 read chain'])
  })

  test('a chain that lost nothing has had no earlier epoch', () => {
    const merged = mergedEarnings({ from: 1, to: 4 }, [], [read(3), read(4)], 4)
    expect(shape(merged.items)).toEqual(['3 read chain', '4 read chain'])
    expect(totalOf(merged)).toMatchObject({ epochs: 2, unknown: 0 })
    const notAsked = mergedEarnings({ from: 1, to: 4 }, [], [read(3), read(4)], 2)
    expect(totalOf(notAsked)).toMatchObject({ epochs: 4, unknown: 2 })
  })

  test('nothing known is one row, and no price is no worth', () => {
    const merged = mergedEarnings({ from: 1, to: 4 }, [], [gone(4)], 4)
    expect(shape(merged.items)).toEqual(['4 discarded null'])
    expect(totalOf(merged)).toMatchObject({ epochs: 4, unknown: 4, worth: '0' })
    const unpriced: EpochEarning = { ...read(4), priceRao: undefined } as EpochEarning
    const mixed = mergedEarnings({ from: 3, to: 4 }, [], [read(3), unpriced], 2)
    expect(totalOf(mixed)).toMatchObject({ emission: '2', worth: null })
    expect(mixed.items.map((one) => earningRow(one).price)).toEqual(['0.5', null])
  })
})

test('what is written down has no hole, and begins where the first reading does', () => {
  expect(newEarnings(undefined, [gone(3), read(4), stranger(5)])).toEqual([read(4), stranger(5)])
  expect(newEarnings(5, [read(5), read(6)])).toEqual([read(6)])
  expect(newEarnings(5, [gone(8), read(9)])).toEqual([gone(6), gone(7), gone(8), read(9)])
  expect(newEarnings(5, [])).toEqual([])
  expect(newEarnings(1, [read(1_000_000)])).toHaveLength(10_000)
})

test('amounts survive being written as JSON to the unit', () => {
  for (const one of [read(1, 2n ** 63n + 1n), { ...read(2), priceRao: undefined }, gone(3)]) {
    const back = earningFromJson(earningToJson(one as EpochEarning))
    expect(back).toEqual(one)
  }
})
