import { expect, test } from 'vitest'
import { etaText } from '../../../src/node/commands/eta-text.ts'
import { etasOf, meanLengthMs } from '../../../src/node/leases/queue-eta.ts'
import { byLength } from '../../../src/node/leases/wait-in-line.ts'

const wants = (devices: string, count = 1, durationMs = 1000) => ({
  devices: [...devices],
  count,
  durationMs,
})
const held = (times: Readonly<Record<string, number | undefined>>) =>
  Object.entries(times).map(([device, freeInMs]) => ({ device, freeInMs }))

test.each([
  ['the end of what runs', [wants('a')], { a: 500 }, undefined, [500]],
  ['the first of two that ends', [wants('ab')], { a: 500, b: 300 }, undefined, [300]],
  ['the last of two that both are wanted', [wants('ab', 2)], { a: 500, b: 300 }, undefined, [500]],
  ['nothing, for a device that is lost', [wants('a')], { a: undefined }, 100, [undefined]],
  ['the other one then', [wants('ab')], { a: undefined, b: 7 }, 100, [7]],
  [
    'nothing behind others without a past',
    [wants('a'), wants('a')],
    { a: 5 },
    undefined,
    [5, undefined],
  ],
  ['the mean of past leases behind others', [wants('a'), wants('a')], { a: 5 }, 100, [5, 105]],
  [
    'but what is asked for if that is less',
    [wants('a', 1, 30), wants('a')],
    { a: 5 },
    100,
    [5, 35],
  ],
  ['another device behind others', [wants('ab'), wants('ab')], { a: 5, b: 9 }, undefined, [5, 9]],
])('a turn is expected by %s', (_, order, times, meanMs, etas) => {
  expect(etasOf(order, held(times), meanMs)).toEqual(etas)
})

test.each([
  [[], undefined],
  [[10, 20], undefined],
  [[10, 20, 30], 20],
])('the mean of %j is %s', (past, mean) => {
  expect(meanLengthMs(past)).toBe(mean)
})

test('the shortest queue is the one with fewest in it, then the soonest', () => {
  const line = (waiting: number, etaMs?: number) => ({
    line: { waiting, ...(etaMs === undefined ? {} : { etaMs }) },
  })
  const all = [line(2, 5), line(1), line(1, 90), line(1, 80)]
  expect(all.toSorted(byLength)).toEqual([line(1, 80), line(1, 90), line(1), line(2, 5)])
})

test.each([
  [null, 'unknown'],
  [0, 'now'],
  [40_400, '40 s'],
  [720_000, '12 min'],
  [12_600_000, '3.5 h'],
])('%s ms reads %s', (ms, words) => {
  expect(etaText(ms)).toBe(words)
})
