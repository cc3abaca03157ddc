import { expect, test } from 'vitest'
import {
  advance,
  isOver,
  isRunning,
  type LeaseEvent,
  type LeaseProgress,
} from '../../../src/node/leases/lease-machine.ts'
import { leaseStates } from '../../../src/protocols/lease.ts'

const ended = { outcome: 'ended', reason: 'stopped' } as const
const failed = { outcome: 'failed', reason: 'gone' } as const
const events: LeaseEvent[] = [
  { kind: 'quote' },
  { kind: 'agree' },
  { kind: 'start' },
  { kind: 'started', atMs: 5 },
  { kind: 'close', ending: ended },
  { kind: 'settled' },
  { kind: 'lapse', reason: 'silence' },
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
  expect(run(events[0]!, { kind: 'lapse', reason: 'silence' })).toEqual({
    state: 'EXPIRED',
    ending: { outcome: 'failed', reason: 'silence' },
  })
  const closing = run(...events.slice(0, 5))
  expect(advance(closing, { kind: 'lapse', reason: 'silence' }).ending).toEqual(ended)
})

/** Every state with every event: what is not in this table is refused. */
const possible: Readonly<Record<string, readonly string[]>> = {
  RESERVED: ['quote', 'lapse'],
  QUOTED: ['agree', 'lapse'],
  AGREED: ['start', 'close', 'lapse'],
  STARTING: ['started', 'close', 'lapse'],
  ACTIVE: ['close', 'lapse'],
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
  expect(isRunning({ state })).toBe(['AGREED', 'STARTING', 'ACTIVE'].includes(state))
})
