import { expect, test } from 'vitest'
import { describeLease } from '../../../src/node/commands/lease-output.ts'
import type { LeaseView } from '../../../src/node/leases/lease-view.ts'
import { hoursMs, minutesMs } from '../../../src/units.ts'

const view: LeaseView = {
  id: '3e02854f02e0'.padEnd(64, '0'),
  state: 'ACTIVE',
  health: 'ok',
  miner: 'M',
  renter: 'R',
  engine: 'docker 29',
  image: 'busybox:1.37',
  command: null,
  devices: ['cpu-0'],
  memoryMiB: 21_092,
  cpus: 1,
  diskMiB: 512,
  diskUsedMiB: null,
  isolation: null,
  asset: 'DEV',
  rail: 'dev',
  dph: '0.5',
  cap: '0.5',
  proofShare: null,
  exclusive: false,
  volumes: [{ name: 'data', path: '/data', sizeMiB: 10_240, readOnly: true }],
  durationMs: hoursMs(1),
  extensions: 0,
  extendingToMs: null,
  labels: {},
  ports: [],
  createdAtMs: 0,
  startedAtMs: 0,
  expiresAtMs: hoursMs(1),
  progress: null,
  receipts: 1,
  upMs: 2000,
  owed: '0.1',
  acknowledged: '0.1',
  settled: null,
  creditMs: minutesMs(2),
  graceMs: minutesMs(15),
  prepaidMs: minutesMs(30),
  signedAhead: '0.25',
  dispute: null,
  over: false,
  outcome: null,
  reason: null,
  ending: null,
  fault: null,
}

test('a running lease: what it may use, in units a person reads, and how long its renter may be away', () => {
  const text = describeLease(view)
  expect(text).toContain('memory   at most 20.6 GiB, 1 processor core\n')
  expect(text).toContain('disk     at most 512 MiB\n')
  expect(text).toContain('keeps    data at /data (10 GiB, read-only)\n')
  expect(text).toContain('served   2.0 s in 1 receipt\n')
  expect(text).toContain(
    'credit   paused after 32 min without a countersignature, closed 15 min later',
  )
  expect(text).toContain('ahead    signed up to 0.25 DEV')
})

test('one that is over says nothing of what can no longer happen', () => {
  const text = describeLease({ ...view, state: 'SETTLED', over: true, upMs: minutesMs(25) })
  expect(text).toContain('state    SETTLED\n')
  expect(text).toContain('served   25 min in 1 receipt\n')
  expect(text).not.toMatch(/^(credit|ahead) /m)
})

test('a health that nobody knows says why', () => {
  expect(describeLease({ ...view, health: 'unknown' })).toContain(
    'state    ACTIVE (unknown: its miner, or the engine there, does not answer at the moment)\n',
  )
})
