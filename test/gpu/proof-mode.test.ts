import { expect, test } from 'vitest'
import {
  ALWAYS_IDLE,
  changedMode,
  type ModeSince,
  modeAt,
  proofModeOf,
} from '../../src/gpu/proof-mode.ts'

const NOTICE_MS = 5000

test.each<[string, ModeSince, number, string]>([
  ['nothing was ever announced', ALWAYS_IDLE, 0, 'idle'],
  ['a slot before the change counts', { mode: 'leased', fromMs: 100, before: 'idle' }, 99, 'idle'],
  ['a slot at its moment', { mode: 'leased', fromMs: 100, before: 'idle' }, 100, 'leased'],
  ['a slot long after', { mode: 'exclusive', fromMs: 100, before: 'leased' }, 9e9, 'exclusive'],
])('the mode of a slot: %s', (_, since, slotMs, mode) => expect(modeAt(since, slotMs)).toBe(mode))

test('a change is announced once and counts after its notice', () => {
  const leased = changedMode(ALWAYS_IDLE, 'leased', 1000, NOTICE_MS)
  expect(leased).toEqual({ mode: 'leased', fromMs: 6000, before: 'idle' })
  expect(changedMode(leased, 'leased', 2000, NOTICE_MS)).toBe(leased)
  expect(changedMode(leased, 'leased', 9000, NOTICE_MS)).toBe(leased)
})

test('a second change waits until the first counts: no announcement ever contradicts an earlier one', () => {
  const wishes = ['leased', 'idle', 'exclusive', 'leased', 'idle', 'idle', 'exclusive'] as const
  const told: ModeSince[] = [ALWAYS_IDLE]
  for (let nowMs = 1; nowMs < 60_000; nowMs += 700) {
    const wanted = wishes[Math.floor(nowMs / 2100) % wishes.length]!
    const next = changedMode(told.at(-1)!, wanted, nowMs, NOTICE_MS)
    if (next === told.at(-1)) continue
    // Who knows only the announcement before says the same of every slot until now, and of those the notice leaves.
    for (let slotMs = told.at(-1)!.fromMs; slotMs < next.fromMs; slotMs += 100) {
      expect(modeAt(next, slotMs)).toBe(modeAt(told.at(-1)!, slotMs))
    }
    told.push(next)
  }
  expect(told.length).toBeGreaterThan(6)
})

test('a word of a later version is no mode', () => {
  expect(['idle', 'leased', 'exclusive', 'attested'].map(proofModeOf)).toEqual([
    'idle',
    'leased',
    'exclusive',
    undefined,
  ])
})
