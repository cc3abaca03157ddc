import { expect, test } from 'vitest'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { ClockCheck } from '../../src/node/clock-fault.ts'

const faultOf = (delaysMs: readonly number[], network: 'finney' | 'local' = 'finney') => {
  const clock = new ClockCheck(slotNetworks[network])
  delaysMs.forEach((delayMs, i) => void clock.heard(i + 1, delayMs))
  return clock.fault()
}
const times = (count: number, delayMs: number): number[] => new Array(count).fill(delayMs)

test.each<[string, readonly number[], 'behind' | 'ahead' | undefined]>([
  ['nothing heard', [], undefined],
  ['pulses in time', times(30, 400), undefined],
  ['half a second early', [400, -499, 300], undefined],
  ['more than half a second early', [400, -501, 300], 'behind'],
  ['early long ago', [-501, ...times(16, 400)], undefined],
  ['a few late', times(15, 9000), undefined],
  ['all late but one', [...times(15, 9000), 300, ...times(10, 9000)], undefined],
  ['every one late', times(16, 2001), 'ahead'],
])('%s: %j means %s', (_, delaysMs, fault) => {
  expect(faultOf(delaysMs)).toBe(fault)
})

test('a machine that runs a whole market may be slower', () => {
  expect(faultOf(times(16, 4000), 'local')).toBeUndefined()
})

test('pulses fetched afterwards say nothing', () => {
  const clock = new ClockCheck(slotNetworks.finney)
  for (let round = 100; round > 60; round--) clock.heard(round, 3000 * (100 - round))
  for (let round = 101; round < 130; round++) clock.heard(round, 300)
  expect(clock.fault()).toBeUndefined()
})
