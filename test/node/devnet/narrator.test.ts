import { expect, test } from 'vitest'
import { createNarrator, narrate } from '../../../src/node/devnet/narrator.ts'

const names: Record<string, string> = { PEER1: 'miner-1', PEER2: 'renter' }
const tell = (member: string, event: string, fields: Record<string, string | number> = {}) =>
  narrate(member, { event, atMs: 0, ...fields }, (id) => names[String(id)] ?? '?')

test('an event becomes a sentence about whom it happened to, with names and numbers', () => {
  expect(
    tell('renter', 'offer-seen', { peer: 'PEER1', what: 'CPU', dph: '0.5', asset: 'DEV' }),
  ).toBe('renter       sees an offer of miner-1: CPU at 0.5 DEV an hour')
  const verdict = {
    slot: 12,
    miner: 'PEER1',
    verdict: 'VALID',
    passes: 300,
    gbps: 2.5,
    steps: 20,
    tops: 0.01,
    nsPerHop: 21.4,
    locality: 'VALID',
  }
  expect(tell('validator-2', 'slot-verdict', { ...verdict, proveMs: 31.6, verifyMs: 8.2 })).toBe(
    'validator-2  slot 12: miner-1 is VALID (300 passes, 2.5 GB/s; 20 steps, 0.01 TOPS; 21.4 ns a hop; proved in 32 ms, verified in 8 ms)',
  )
  const silent = { ...verdict, verdict: 'SILENT', passes: 0, steps: 0 }
  expect(tell('validator-2', 'slot-verdict', silent)).toBe(
    'validator-2  slot 12: miner-1 is SILENT',
  )
  const far = { ...verdict, locality: 'BAD_VALUE' }
  expect(tell('validator-2', 'slot-verdict', far)).toContain('TOPS; hops BAD_VALUE; proved')
  expect(
    tell('miner-1', 'gpu-filled', { gpu: 'cpu-0', bytes: 2 ** 23, fillMs: 90.4, round: 11 }),
  ).toBe('miner-1      filled 8 MiB of cpu-0 in 90 ms, from pulse 11')
  expect(
    tell('renter', 'lease-settled', { id: 'ab'.repeat(32), amount: '456', asset: 'DEV' }),
  ).toBe('renter       lease abababababab settled: 0.000456 DEV')
})

test('a machine without a GPU is said to have none', () => {
  const fields = { devices: 'AMD EPYC', holders: 4 }
  expect(tell('miner-1', 'capability-announced', { ...fields, classes: 'cpu' })).toContain(
    'no GPU here: CPU capacity, devnet only',
  )
  expect(tell('miner-1', 'capability-announced', { ...fields, classes: 'gpu:h100' })).not.toContain(
    'no GPU',
  )
})

test('what all see alike is told once; what only programs need is not told', () => {
  const seen = { peer: 'PEER1', what: 'CPU', dph: '0.5', asset: 'DEV' }
  expect(tell('validator-1', 'offer-seen', seen)).toBeUndefined()
  expect(tell('renter', 'chain-read', { block: 1 })).toBeUndefined()
  expect(tell('validator-1', 'capability-announced', { classes: '', devices: '' })).toBeUndefined()
  expect(tell('validator-1', 'weights-waiting', { reason: 'NO_EVIDENCE' })).toBeUndefined()
  expect(tell('validator-1', 'weights-waiting', { reason: 'NO_PERMIT' })).toContain('NO_PERMIT')
})

test('what a member said already of a state that stands is not said again', () => {
  const told = createNarrator()
  const waits = (member: string, reason: string, next = '') =>
    told(member, { event: 'weights-waiting', atMs: 0, reason, next }, String)
  expect(waits('validator-1', 'NO_BURN_UID', 'wait')).toContain('NO_BURN_UID (wait)')
  expect(waits('validator-1', 'NO_BURN_UID', 'wait')).toBeUndefined()
  expect(waits('validator-2', 'NO_BURN_UID', 'wait')).toBeDefined()
  expect(waits('validator-1', 'CHAIN_UNREACHABLE')).toBe(
    'validator-1  sets no weights yet: CHAIN_UNREACHABLE',
  )
})
