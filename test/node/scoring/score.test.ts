import { expect, test } from 'vitest'
import { LOCAL_CONSTANTS, PUBLIC_CONSTANTS } from '../../../src/node/scoring/constants.ts'
import { product } from '../../../src/node/scoring/gpu-score.ts'
import {
  type Evidence,
  type GpuRef,
  proofKey,
  type SlotEvidence,
  score,
  type Testimony,
} from '../../../src/node/scoring/score.ts'
import { slotOutcome } from '../../../src/node/scoring/slot-outcome.ts'
import { randomFrom } from '../../support/random.ts'

const hotkey = (n: number) => n.toString(16).padStart(64, '0')
const gpu = (n: number, id = 'cpu-0'): GpuRef => ({ hotkey: hotkey(n), miner: `peer${n}`, gpu: id })
const row = (ref: GpuRef, steps: number) => ({ ...ref, mode: 'idle', n: 512, passes: 0, steps })
const said = (
  validator: string,
  counts: readonly (readonly [GpuRef, number])[],
  verdict = 'VALID',
): Testimony => ({
  validator,
  rows: counts.map(([ref, steps]) => row(ref, steps)),
  verdicts: counts.filter(([, steps]) => steps > 0).map(([ref]) => ({ ...ref, verdict })),
})
const slotOf = (slot: number, ...testimony: Testimony[]): SlotEvidence => ({ slot, testimony })
const evidence = (slots: readonly SlotEvidence[], more: Partial<Evidence> = {}): Evidence => ({
  slots,
  validators: [
    { validator: 'v1', stake: 100n },
    { validator: 'v2', stake: 100n },
  ],
  measured: ['steps'],
  gemmWindowMs: 1000,
  ...more,
})
const [a, b] = [gpu(1), gpu(2)]
const both = (slot: number, counts: readonly (readonly [GpuRef, number])[], verdict = 'VALID') =>
  slotOf(slot, said('v1', counts, verdict), said('v2', counts, verdict))
const scoreOf = (e: Evidence, n = 1) => score(e, LOCAL_CONSTANTS).miners.get(hotkey(n))

test('a miner that works twice as much earns twice as much', () => {
  const report = score(
    evidence([
      both(12, [
        [a, 80],
        [b, 40],
      ]),
    ]),
    LOCAL_CONSTANTS,
  )
  expect(report.miners.get(hotkey(1))!.score).toBeCloseTo(
    2 * report.miners.get(hotkey(2))!.score,
    5,
  )
  expect(report.miners.get(hotkey(1))).toMatchObject({ reliability: 1, reason: 'OK' })
  expect(report.burn).toBe(0)
})

test('every term multiplies to the score, on whatever evidence', () => {
  const random = randomFrom(3)
  for (let i = 0; i < 60; i++) {
    const slots = Array.from({ length: 40 }, (_, t) =>
      slotOf(
        t,
        ...['v1', 'v2']
          .filter(() => random() < 0.95)
          .map((v) =>
            said(
              v,
              [
                [a, random() < 0.2 ? 0 : 80],
                [b, Math.floor(random() * 3) * 40],
              ],
              random() < 0.1 ? 'BAD_VALUE' : 'VALID',
            ),
          ),
      ),
    )
    const leases = new Map([[hotkey(1), { failedPaidHours: random() * 5, gpuHours: 10 }]])
    const report = score(evidence(slots, { leases }), LOCAL_CONSTANTS)
    for (const miner of report.miners.values()) {
      for (const one of miner.gpus) expect(product(one.terms)).toBe(one.score)
      expect(miner.gpus.reduce((sum, one) => sum + one.score, 0)).toBeCloseTo(miner.score, 6)
      expect(miner.weight).toBe(miner.score)
    }
  }
})

test('two nodes compute one score, in whatever order their evidence came', () => {
  const slots = [12, 24, 36, 48].map((t) =>
    slotOf(
      t,
      said('v1', [
        [a, 70 + t],
        [b, 20],
      ]),
      said('v2', [
        [a, 71],
        [b, t],
      ]),
    ),
  )
  const shuffled = slots.toReversed().map(({ slot, testimony }) => ({
    slot,
    testimony: testimony
      .toReversed()
      .map((t) => ({ ...t, rows: t.rows.toReversed(), verdicts: t.verdicts.toReversed() })),
  }))
  const reversed = evidence(shuffled, { validators: evidence([]).validators.toReversed() })
  expect(JSON.stringify([...score(reversed, LOCAL_CONSTANTS).miners])).toBe(
    JSON.stringify([...score(evidence(slots), LOCAL_CONSTANTS).miners]),
  )
})

test.each<[string, SlotEvidence[], object]>([
  [
    'silence',
    [
      both(12, [
        [a, 80],
        [b, 80],
      ]),
      both(24, [
        [a, 0],
        [b, 80],
      ]),
    ],
    { reason: 'SILENT', reliability: 0.5 },
  ],
  ['a value found bad', [both(12, [[a, 80]], 'BAD_VALUE')], { score: 0, reason: 'BAD_VALUE' }],
  [
    'openings withheld',
    [both(12, [[a, 80]], 'OPENINGS_MISSING')],
    { score: 0, reason: 'OPENINGS_MISSING' },
  ],
  [
    'a verdict of a later version',
    [both(12, [[a, 80]], 'NEW_FRAUD')],
    { score: 0, reason: 'BAD_SHAPE' },
  ],
])('%s fails its slot and says so', (_, slots, expected) =>
  expect(scoreOf(evidence(slots))).toMatchObject(expected),
)

test('one of two equal validators decides nothing', () => {
  const alone = slotOf(12, said('v1', [[a, 80]]))
  expect(scoreOf(evidence([alone]))).toBeUndefined()
  const seen = scoreOf(evidence([both(12, [[a, 80]]), slotOf(24, said('v1', [[a, 0]]))]))!
  expect(seen.gpus[0]!.slots[1]).toMatchObject({
    outcome: 'networkUnknown',
    reason: 'LOW_COVERAGE',
  })
  expect(seen.reliability).toBe(1)
})

test('a validator that accuses alone changes nothing; a proof changes everything', () => {
  const slots = [slotOf(12, said('v1', [[a, 80]]), said('v2', [[a, 80]], 'BAD_VALUE'))]
  expect(scoreOf(evidence(slots))).toMatchObject({ reliability: 1 })
  const proofs = new Map([[proofKey(12, a), 'BAD_VALUE' as const]])
  expect(scoreOf(evidence(slots, { proofs }))).toMatchObject({
    score: 0,
    reliability: 0,
    reason: 'BAD_VALUE',
  })
})

test('a validator that heard almost nobody abstains: its own line was down', () => {
  const everyone = [1, 2, 3, 4].map((n) => [gpu(n), 80] as const)
  const deaf = everyone.map(([ref]) => [ref, 0] as const)
  const three = [
    { validator: 'v1', stake: 100n },
    { validator: 'v2', stake: 100n },
    { validator: 'v3', stake: 190n },
  ]
  const all = (slot: number, third: typeof everyone | typeof deaf) =>
    slotOf(slot, said('v1', everyone), said('v2', everyone), said('v3', third))
  const result = score(
    evidence([all(12, everyone), all(24, deaf)], { validators: three }),
    LOCAL_CONSTANTS,
  )
  for (const miner of result.miners.values())
    expect(miner.gpus[0]!.slots[1]).toMatchObject({ outcome: 'ok' })
})

test('a GPU that only a minority speaks of does not exist', () => {
  const slots = [
    slotOf(
      12,
      said('v1', [
        [a, 80],
        [gpu(9), 500],
      ]),
      said('v2', [[a, 80]]),
    ),
  ]
  expect([...score(evidence(slots), LOCAL_CONSTANTS).miners.keys()]).toEqual([hotkey(1)])
})

test('a validator without stake says nothing', () => {
  const slots = [
    slotOf(12, said('v1', [[a, 80]]), said('v2', [[a, 80]]), said('nobody', [[a, 0]], 'BAD_VALUE')),
  ]
  expect(scoreOf(evidence(slots))).toMatchObject({ reliability: 1 })
})

test('an unregistered hotkey is explained and gets no weight', () => {
  const miner = scoreOf(evidence([both(12, [[a, 80]])], { registered: new Set([hotkey(2)]) }))!
  expect(miner.score).toBeGreaterThan(0)
  expect(miner).toMatchObject({ weight: 0, reason: 'UNREGISTERED' })
})

test('a processor earns nothing on a public network, and GPUs nothing before their memory is measured', () => {
  const slots = [
    both(12, [
      [a, 80],
      [gpu(2, '0000:01:00.0'), 900],
    ]),
  ]
  const report = score(evidence(slots), PUBLIC_CONSTANTS)
  expect([...report.miners.values()].map(({ score: s }) => s)).toEqual([0, 0])
  expect(report.burn).toBe(1000)
})

test('a GPU that vanishes while others stay is unknown, and too much of it costs', () => {
  const slots = Array.from({ length: 20 }, (_, t) =>
    both(
      t,
      t < 10
        ? [
            [a, 80],
            [b, 80],
          ]
        : [
            [b, 80],
            [gpu(3), 80],
          ],
    ),
  )
  const miner = scoreOf(evidence(slots))!
  expect(miner.gpus[0]).toMatchObject({ ok: 10, unknown: 10 })
  expect(miner.gpus[0]!.terms.find(({ name }) => name === 'reliability')).toMatchObject({
    reason: 'UNKNOWN_EXCESS',
  })
})

test('no evidence is no score, and no weights', () => {
  const report = score(evidence([]), LOCAL_CONSTANTS)
  expect(report).toMatchObject({ slots: 0, from: 0, to: 0, burn: 0 })
  expect(report.miners.size).toBe(0)
})

test('counts of several measures must all agree', () => {
  const counts = { mode: 'idle', n: 512, passes: 0, steps: 9 }
  const reports = [{ stake: 10n, value: counts }]
  const verdicts = [{ stake: 10n, value: 'VALID' }]
  expect(slotOutcome({ reports, verdicts }, 10n, 0.5, ['steps']).outcome).toBe('ok')
  expect(slotOutcome({ reports, verdicts }, 10n, 0.5, ['passes', 'steps'])).toMatchObject({
    outcome: 'failed',
    reason: 'SILENT',
  })
  expect(slotOutcome({ reports, verdicts: [] }, 10n, 0.5, ['steps']).outcome).toBe('networkUnknown')
})
