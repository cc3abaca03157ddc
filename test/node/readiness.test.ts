import { expect, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import { createEvents } from '../../src/node/events.ts'
import { oneEngine } from '../../src/node/leases/host-engines.ts'
import { createReadiness, type ReadinessNeeds, reasonsOf } from '../../src/node/readiness.ts'
import { secondsMs } from '../../src/units.ts'
import { FakeEngine } from '../support/fake-engine.ts'
import { testNet } from '../support/market.ts'

const life = new AbortController()

function readinessOf(needs: Partial<Omit<ReadinessNeeds, 'core'>>) {
  let now = 1_000_000
  const events = createEvents(() => now)
  const core = { net: testNet(), nowMs: () => now, events }
  const readiness = createReadiness(
    { core, chainLink: undefined, hosting: undefined, ...needs },
    life.signal,
  )
  return {
    reasons: () => reasonsOf(readiness),
    read: () => events.emit('chain-read', { block: 1 }),
    pass: (ms: number) => {
      now += ms
    },
  }
}

test('a node that needs nothing is ready once it answers', () => {
  expect(readinessOf({}).reasons()).toEqual([])
})

test('a chain that was never reached, or is not read any more, is missing', () => {
  let chain: object | undefined
  const { reasons, read, pass } = readinessOf({ chainLink: { current: () => chain as never } })
  expect(reasons()).toEqual(['chain'])
  chain = {}
  expect(reasons()).toEqual(['chain'])
  read()
  expect(reasons()).toEqual([])
  pass(secondsMs(21))
  expect(reasons()).toEqual(['chain'])
  read()
  expect(reasons()).toEqual([])
})

test('an engine that is absent, away or closed is missing by its name', () => {
  const absent = new NodeError('ENGINE_ABSENT', 'there is none')
  const engineFaults = new Map<string | undefined, NodeError>()
  expect(readinessOf({ hosting: { engines: oneEngine(absent), engineFaults } }).reasons()).toEqual([
    'engine',
  ])
  const engine = new FakeEngine()
  const named = { name: 'rack-2', engine, isProven: true }
  const engines = { ...oneEngine(engine), all: [named, { ...named, name: 'rack-3' }] }
  const { reasons } = readinessOf({ hosting: { engines, engineFaults } })
  expect(reasons()).toEqual([])
  engineFaults.set('rack-2', new NodeError('ENGINE_UNKNOWN', 'it does not answer'))
  expect(reasons()).toEqual(['engine rack-2'])
})
