import { expect, test } from 'vitest'
import { leaseStates } from '../../../src/lease-states.ts'
import {
  advance,
  isOver,
  isRunning,
  type LeaseEvent,
  type LeaseProgress,
  startedStates,
} from '../../../src/node/leases/lease-machine.ts'

const ended = { outcome: 'ended', reason: 'stopped' } as const
const failed = { outcome: 'failed', reason: 'gone' } as const
const silence = { outcome: 'failed', reason: 'silence' } as const
const events: LeaseEvent[] = [
  { kind: 'quote' },
  { kind: 'agree' },
  { kind: 'start' },
  { kind: 'started', atMs: 5 },
  { kind: 'close', ending: ended },
  { kind: 'settled' },
  { kind: 'lapse', ending: silence },
  { kind: 'stand', state: 'SUSPENDED' },
]

const run = (...path: LeaseEvent[]): LeaseProgress =>
  path.reduce<LeaseProgress>(advance, { state: 'RESERVED' })

test('the whole life of a lease', () => {
  const path: LeaseEvent[] = events.slice(0, 6)
  const states = path.map((_, i) => run(...path.slice(0, i + 1)).state)
  expect(states).toEqual(['QUOTED', 'AGREED', 'STARTING', 'ACTIVE', 'CLOSING', 'SETTLED'])
  expect(run(...path)).toMatchObject({ startedAtMs: 5, ending: ended })
})

test('what failed ends FAILED, and the first reason stays', () => {
  const closing = run(...events.slice(0, 3), { kind: 'close', ending: failed })
  const again = advance(closing, { kind: 'close', ending: ended })
  expect(again).toEqual(closing)
  expect(advance(again, { kind: 'settled' }).state).toBe('FAILED')
})

test('a lease whose other side never came back lapses, keeping why it was ending', () => {
  expect(run(events[0]!, { kind: 'lapse', ending: silence })).toEqual({
    state: 'EXPIRED',
    ending: silence,
  })
  const closing = run(...events.slice(0, 5))
  expect(advance(closing, { kind: 'lapse', ending: silence }).ending).toEqual(ended)
})

test('a started lease goes between its states, and closes from each', () => {
  const active = run(...events.slice(0, 4))
  for (const state of startedStates) {
    const there = advance(active, { kind: 'stand', state })
    expect(there).toEqual({ ...active, state })
    expect(advance(there, { kind: 'stand', state: 'ACTIVE' })).toEqual(active)
    expect(advance(there, { kind: 'close', ending: ended }).state).toBe('CLOSING')
  }
})

/** Every state with every event: what is not in this table is refused. */
const possible: Readonly<Record<string, readonly string[]>> = {
  RESERVED: ['quote', 'lapse'],
  QUOTED: ['agree', 'lapse'],
  AGREED: ['start', 'close', 'lapse'],
  STARTING: ['started', 'close', 'lapse'],
  ACTIVE: ['close', 'lapse', 'stand'],
  GRACE: ['close', 'lapse', 'stand'],
  SUSPENDED: ['close', 'lapse', 'stand'],
  PAUSED: ['close', 'lapse', 'stand'],
  CLOSING: ['close', 'settled', 'lapse'],
  SETTLED: [],
  FAILED: [],
  EXPIRED: [],
}

test.each(leaseStates)('in state %s only its own events are possible', (state) => {
  const allowed = events.filter((event) => {
    try {
      advance({ state }, event)
      return true
    } catch {
      return false
    }
  })
  expect(allowed.map(({ kind }) => kind).toSorted()).toEqual([...possible[state]!].toSorted())
  expect(isOver({ state })).toBe(possible[state]!.length === 0)
  expect(isRunning({ state })).toBe(['AGREED', 'STARTING', ...startedStates].includes(state))
})
