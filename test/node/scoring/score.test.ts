import { describe, expect, test } from 'vitest'
import { drawVerifiers } from '../../../src/gpu/draw-verifiers.ts'
import { LOCAL_CONSTANTS, PUBLIC_CONSTANTS } from '../../../src/node/scoring/constants.ts'
import type {
  Evidence,
  GpuRef,
  SlotEvidence,
  Testimony,
} from '../../../src/node/scoring/evidence.ts'
import { product } from '../../../src/node/scoring/gpu-score.ts'
import { score } from '../../../src/node/scoring/score.ts'
import { slotOutcome } from '../../../src/node/scoring/slot-outcome.ts'
import { randomFrom } from '../../support/random.ts'

const hotkey = (n: number) => n.toString(16).padStart(64, '0')
const gpu = (n: number, id = 'cpu-0'): GpuRef => ({ hotkey: hotkey(n), miner: `peer${n}`, gpu: id })
const V = 2 ** 23
const row = (ref: GpuRef, steps: number) => ({
  ...ref,
  mode: 'idle',
  n: 512,
  bytes: V,
  passes: 3 * steps,
  steps,
})
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
  measured: ['passes', 'steps'],
  windowMs: { residency: 1000, gemm: 1000 },
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

test('slots that a minority invents push nothing out of the window', () => {
  const { WINDOW_SLOTS } = LOCAL_CONSTANTS
  const real = Array.from({ length: WINDOW_SLOTS + 3 }, (_, i) => both(100 * (i + 1), [[a, 80]]))
  const invented = Array.from({ length: 5 * WINDOW_SLOTS }, (_, i) =>
    slotOf(3001 + i, said('v1', [[a, 0]])),
  )
  const found = Array.from({ length: 5 * WINDOW_SLOTS }, (_, i) => ({
    slot: 3001 + i,
    miner: b.miner,
    gpu: b.gpu,
    reason: 'EQUIVOCATION' as const,
  }))
  const proofs = { found, roundMs: 1000, roundsPerSlot: 12 }
  const flooded = evidence([...real, ...invented], { proofs })
  const [one] = scoreOf(flooded)!.gpus
  expect(one).toMatchObject({ ok: WINDOW_SLOTS, failed: 0, unknown: 0 })
  expect(one!.score).toBe(scoreOf(evidence(real))!.gpus[0]!.score)
})

test('a validator that accuses alone changes nothing; a proof changes everything', () => {
  const slots = [slotOf(12, said('v1', [[a, 80]]), said('v2', [[a, 80]], 'BAD_VALUE'))]
  expect(scoreOf(evidence(slots))).toMatchObject({ reliability: 1 })
  const found = [{ slot: 12, miner: a.miner, gpu: a.gpu, reason: 'BAD_VALUE' as const }]
  const proofs = { found, roundMs: 1000, roundsPerSlot: 12 }
  expect(scoreOf(evidence(slots, { proofs }))).toMatchObject({
    score: 0,
    reliability: 0,
    reason: 'BAD_VALUE',
  })
})

test('a proof needs nobody to listen', () => {
  const slots = [both(12, [[a, 80]]), slotOf(24, said('v1', [[a, 80]]))]
  const found = [{ slot: 24, miner: a.miner, gpu: a.gpu, reason: 'EQUIVOCATION' as const }]
  const proofs = { found, roundMs: 1000, roundsPerSlot: 12 }
  expect(scoreOf(evidence(slots, { proofs }))!.gpus[0]!.slots.map((one) => one.reason)).toEqual([
    'OK',
    'EQUIVOCATION',
  ])
})

test('three false values suspend one GPU of a miner for a time, whose slots then earn nothing', () => {
  const other = gpu(1, 'cpu-1')
  const slots = Array.from({ length: 20 }, (_, i) =>
    both(12 * (i + 1), [
      [a, 80],
      [other, 80],
    ]),
  )
  const found = [2, 4, 7].map((i) => ({
    slot: 12 * i,
    miner: a.miner,
    gpu: a.gpu,
    reason: 'BAD_VALUE' as const,
  }))
  // A round that lasts half a day: seven days are 14 rounds, one slot and a bit.
  const proofs = { found, roundMs: 43_200_000, roundsPerSlot: 12 }
  const [one, two] = scoreOf(evidence(slots, { proofs }))!.gpus
  const reasons = one!.slots.map(({ reason }) => reason)
  expect(reasons.flatMap((reason, i) => (reason === 'OK' ? [] : [[i + 1, reason]]))).toEqual([
    [2, 'BAD_VALUE'],
    [4, 'BAD_VALUE'],
    [7, 'BAD_VALUE'],
    [8, 'SUSPENDED'],
  ])
  expect(one!.slots[7]).toMatchObject({ outcome: 'ok', units: 0 })
  expect(two!.slots.every(({ reason }) => reason === 'OK')).toBe(true)
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
  const miner = scoreOf(evidence([both(12, [[a, 80]])], { registered: new Map([[hotkey(2), 0]]) }))!
  expect(miner.score).toBeGreaterThan(0)
  expect(miner).toMatchObject({ weight: 0, reason: 'UNREGISTERED' })
})

test('a processor earns nothing on a public network, and a GPU that shows little memory neither', () => {
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
  const counts = { mode: 'idle', n: 512, bytes: V, passes: 0, steps: 9 }
  const reports = [{ stake: 10n, value: counts }]
  const verdicts = [{ stake: 10n, value: 'VALID' }]
  expect(slotOutcome({ reports, verdicts }, 10n, 0.5, ['steps']).outcome).toBe('ok')
  expect(slotOutcome({ reports, verdicts }, 10n, 0.5, ['passes', 'steps'])).toMatchObject({
    outcome: 'failed',
    reason: 'SILENT',
  })
  expect(slotOutcome({ reports, verdicts: [] }, 10n, 0.5, ['steps']).outcome).toBe('networkUnknown')
})

/** What a card of these figures shows in the windows of a real network. */
const shown = (ref: GpuRef, gib: number, passes: number, steps: number, n = 16_384) => ({
  ...ref,
  mode: 'idle',
  n,
  bytes: gib * 2 ** 30,
  passes,
  steps,
})
const onFinney = (rows: readonly ReturnType<typeof shown>[], verdict = 'VALID') => ({
  ...evidence([
    slotOf(
      900,
      ...['v1', 'v2'].map((validator) => ({
        validator,
        rows,
        verdicts: rows.map((ref) => ({ ...ref, verdict })),
      })),
    ),
  ]),
  windowMs: { residency: 6000, gemm: 3000 },
})
const scoredSlot = (rows: readonly ReturnType<typeof shown>[], n = 1) =>
  score(onFinney(rows), PUBLIC_CONSTANTS).miners.get(hotkey(n))!.gpus[0]!

test('units of a GPU follow from passes, V, steps and n exactly as they are defined', () => {
  const card = gpu(1, 'pci-0')
  const [gib, passes, steps, n] = [76, 213, 273, 16_384]
  const one = scoredSlot([shown(card, gib, passes, steps, n)])
  const b = (passes * gib * 1.073741824) / 6
  const t = (2 * n ** 3 * steps) / 3 / 1e12
  const v = Math.min(gib, (b * 0.08) / 1.073741824)
  const expected = (v / 76) ** 0.4 * (b / 2900) ** 0.3 * (t / 800) ** 0.3
  expect(one.slots[0]!.units).toBeCloseTo(expected, 6)
  expect(one.slots[0]).toMatchObject({ gib: 76, outcome: 'ok', reason: 'OK' })
  expect(one.slots[0]!.gbps).toBeCloseTo(b, 5)
  expect(one.slots[0]!.tops).toBeCloseTo(t, 5)
  const [term] = one.terms
  expect(term!.detail).toContain('median 76 GiB, 2896.9')
  expect(term!.detail).toContain('GB/s, 800.')
  expect(one.terms.map(({ name }) => name)).toEqual([
    'units',
    'reliability',
    'ramp',
    'rate',
    'leases',
  ])
  expect(product(one.terms)).toBe(one.score)
})

test.each([
  ['memory that it cannot stream', [160, 60, 200], 'STREAM_CAPPED'],
  ['throughput that its bandwidth cannot feed', [24, 250, 400], 'TOPS_CAPPED'],
  ['too little memory', [7, 250, 100], 'BELOW_MINIMUM'],
  ['too little bandwidth', [76, 14, 100], 'BELOW_MINIMUM'],
  ['too little throughput', [76, 213, 2], 'BELOW_MINIMUM'],
] as const)('a GPU with %s is told so', (_, [gib, passes, steps], reason) => {
  const one = scoredSlot([shown(gpu(1, 'pci-0'), gib, passes, steps)])
  expect(one.slots[0]!.reason).toBe(reason)
  expect(one.slots[0]!.units > 0).toBe(reason !== 'BELOW_MINIMUM')
  expect(one.terms[0]!.reason).toBe(reason)
})

test('twice the passes over the same memory is twice the bandwidth; the size is what more than half reported', () => {
  const card = gpu(1, 'pci-0')
  const slow = scoredSlot([shown(card, 40, 100, 200)]).slots[0]!
  const fast = scoredSlot([shown(card, 40, 200, 200)]).slots[0]!
  expect(fast.gbps).toBeCloseTo(2 * slow.gbps, 5)
  const rows = (gib: number) => [shown(card, gib, 100, 200)]
  const lie = {
    ...onFinney(rows(40)),
    slots: [
      slotOf(
        900,
        { validator: 'v1', rows: rows(40), verdicts: [{ ...card, verdict: 'VALID' }] },
        { validator: 'v2', rows: rows(4000), verdicts: [] },
      ),
    ],
  }
  expect(score(lie, PUBLIC_CONSTANTS).miners.get(hotkey(1))!.gpus[0]!.slots[0]!.gib).toBe(40)
})

// gpu-protocol §7: only those that were drawn must look, so their word alone must be able to fail a slot.
describe('those that were drawn', () => {
  const many = Array.from({ length: 20 }, (_, i) => ({ validator: `v${i}`, stake: 100n }))
  const openPulse = { round: 4, randomness: new Uint8Array(32).fill(7) }
  const seats = drawVerifiers(
    openPulse,
    { peerId: a.miner, gpuId: a.gpu },
    many.map(({ validator, stake }) => ({ id: validator, stake })),
  )
  const [first] = seats
  const outcome = (verdictOf: (validator: string) => string | undefined, pulse = true) => {
    const testimony = many.map(({ validator }) => {
      const verdict = verdictOf(validator)
      return {
        validator,
        rows: [row(a, 80)],
        verdicts: verdict === undefined ? [] : [{ ...a, verdict }],
      }
    })
    const slot = { slot: 12, testimony, ...(pulse ? { openPulse } : {}) }
    const found = score(evidence([slot], { validators: many }), LOCAL_CONSTANTS)
    return found.miners.get(a.hotkey)!.gpus[0]!.slots[0]!
  }
  const drawn = (verdict: string) => (v: string) => (seats.has(v) ? verdict : undefined)

  test('fail a slot whose openings none of them got', () => {
    const missing = { outcome: 'failed', reason: 'OPENINGS_MISSING' }
    expect(outcome(drawn('UNAVAILABLE'))).toMatchObject(missing)
    expect(outcome(drawn('BAD_COMMIT'))).toMatchObject({ outcome: 'failed' })
    const three = (v: string) => ([...seats].slice(0, 3).includes(v) ? 'UNAVAILABLE' : undefined)
    expect(outcome(three)).toMatchObject(missing)
  })

  test('fail nothing against one VALID of anybody, nor with half of them, nor when nobody knows who they are', () => {
    const one = (v: string) => (v === first ? 'VALID' : drawn('UNAVAILABLE')(v))
    // More of them speak against it: it does not pay either.
    const disputed = { outcome: 'networkUnknown', reason: 'OUTVOTED' }
    expect(outcome(one)).toMatchObject(disputed)
    const volunteer = many.find(({ validator }) => !seats.has(validator))!.validator
    const outside = (v: string) => (v === volunteer ? 'VALID' : drawn('UNAVAILABLE')(v))
    expect(outcome(outside)).toMatchObject(disputed)
    const two = (v: string) => ([...seats].slice(0, 2).includes(v) ? 'UNAVAILABLE' : undefined)
    expect(outcome(two)).toMatchObject({ outcome: 'networkUnknown' })
    expect(outcome(drawn('UNAVAILABLE'), false)).toMatchObject({ outcome: 'networkUnknown' })
    const others = (v: string) => (seats.has(v) ? undefined : v < 'v14' ? 'UNAVAILABLE' : undefined)
    expect(outcome(others)).toMatchObject({ outcome: 'networkUnknown' })
  })
})

test('hops are told where they were agreed and found VALID, and no score rests on them', () => {
  const locality = { windowMs: 2000, hops: 4096 }
  const spoken = (validator: string, checkpoints: number, found: string): Testimony => ({
    validator,
    rows: [{ ...row(a, 80), checkpoints }],
    verdicts: [{ ...a, verdict: 'VALID', locality: found }],
  })
  const of = (...testimony: Testimony[]) =>
    scoreOf(evidence([slotOf(12, ...testimony)], { locality }))!
  const plain = scoreOf(evidence([both(12, [[a, 80]])]))!
  const near = of(spoken('v1', 640, 'VALID'), spoken('v2', 600, 'BAD_VALUE'))
  expect(near.gpus[0]!.slots[0]!.nsPerHop).toBeCloseTo(2e9 / (600 * 4096), 5)
  for (const other of [
    of(spoken('v1', 640, 'BAD_VALUE'), spoken('v2', 640, 'BAD_VALUE')),
    of(spoken('v1', 640, 'VALID'), spoken('v2', 0, 'VALID')),
  ]) {
    expect(other.gpus[0]!.slots[0]).not.toHaveProperty('nsPerHop')
    expect(other.score).toBe(plain.score)
  }
  expect(near.score).toBe(plain.score)
})

const word = (
  mode: string,
  counts: { n: number; bytes: number; passes: number; steps: number },
) => ({
  stake: 100n,
  value: { mode, ...counts },
})
const work = { n: 256, bytes: 2 ** 20, passes: 9, steps: 7 }
const nothing = { n: 0, bytes: 0, passes: 0, steps: 0 }
const valid = [{ stake: 100n, value: 'VALID' }]

test.each([
  ['a leased GPU', [word('leased', work), word('leased', work)], { outcome: 'ok', mode: 'leased' }],
  [
    'an exclusive lease, which owes nothing',
    [word('exclusive', nothing), word('exclusive', nothing)],
    { outcome: 'ok', mode: 'exclusive', reason: 'EXCLUSIVE_LEASE', passes: 0 },
  ],
  [
    'one that only half of stake saw announced so',
    [word('exclusive', nothing), word('idle', nothing)],
    { outcome: 'unknown' },
  ],
  [
    'counts of two modes, which are not of one thing',
    [word('leased', work), word('idle', work)],
    { outcome: 'networkUnknown' },
  ],
  [
    'one that is silent and not exclusive',
    [word('leased', nothing), word('leased', nothing)],
    {
      outcome: 'failed',
      reason: 'SILENT',
    },
  ],
])('the outcome of %s', (_, reports, expected) => {
  const said = { reports, verdicts: valid }
  expect(slotOutcome(said, 200n, 0.5, ['passes', 'steps'])).toMatchObject(expected)
})

test('nothing exempts a leased GPU from what is found in its openings', () => {
  const said = { reports: [word('leased', work), word('leased', work)], verdicts: valid }
  const active = 200n
  const proven = { ...said, proof: 'BAD_VALUE' as const }
  expect(slotOutcome(proven, active, 0.5, ['passes', 'steps'])).toMatchObject({ outcome: 'failed' })
  const proof = { reports: [word('exclusive', nothing), word('exclusive', nothing)] }
  expect(
    slotOutcome({ ...proof, verdicts: [], proof: 'BAD_VALUE' }, active, 0.5, ['passes', 'steps']),
  ).toMatchObject({ outcome: 'failed' })
})

/** Slots of one card on finney, idle or beside a tenant, as both validators report them. */
function leasedLife(
  modes: readonly ('idle' | 'leased' | 'exclusive')[],
  more: Partial<Evidence> = {},
) {
  const card = gpu(1, 'pci-0')
  const rowOf = (mode: string) => {
    if (mode === 'exclusive') return { ...card, mode, ...nothing }
    const n = 16_384
    if (mode === 'idle') return { ...card, mode, n, bytes: 72 * 2 ** 30, passes: 213, steps: 273 }
    // Half a second of passes over 2.25 GiB, and three quarters of the steps.
    return { ...card, mode, n, bytes: 2.25 * 2 ** 30, passes: 480, steps: 205 }
  }
  const slots = modes.map((mode, i) => {
    const row = rowOf(mode)
    const verdicts = mode === 'exclusive' ? [] : [{ ...card, verdict: 'VALID' }]
    return slotOf(
      900 * (i + 1),
      ...['v1', 'v2'].map((validator) => ({ validator, rows: [row], verdicts })),
    )
  })
  const windows = {
    windowMs: { residency: 6000, gemm: 3000 },
    leasedWindowMs: { residency: 500, gemm: 3000 },
    roundMs: 3000,
  }
  const report = score(evidence(slots, { ...windows, ...more }), PUBLIC_CONSTANTS)
  return report.miners.get(hotkey(1))!.gpus[0]!
}

test('a lease costs half of a slot, an exclusive one all of it, and neither any reliability', () => {
  const modes = ['idle', 'idle', 'leased', 'leased', 'leased', 'exclusive', 'idle'] as const
  const { slots, ok, failed, terms } = leasedLife(modes)
  const [full] = slots.map(({ units }) => units)
  expect(full).toBeGreaterThan(0.8)
  const half = expect.closeTo(full! / 2, 4)
  expect(slots.map(({ units }) => units)).toEqual([full, full, half, half, half, 0, full])
  expect(slots.map(({ reason }) => reason)).toEqual([
    ...['OK', 'OK', 'LEASED', 'LEASED', 'LEASED', 'EXCLUSIVE_LEASE', 'OK'],
  ])
  expect([ok, failed]).toEqual([7, 0])
  expect(terms[0]!.detail).toContain('7 ok slots, 3 of them leased, 1 of them exclusive')
})

test('a leased GPU is named so when it mostly was, and is stale without an idle slot', () => {
  expect(leasedLife(['idle', 'leased', 'leased']).terms[0]).toMatchObject({ reason: 'LEASED' })
  const never = leasedLife(['leased', 'leased'])
  expect(never.slots.map(({ units, reason }) => [units, reason])).toEqual([
    [0, 'LEASED_STALE'],
    [0, 'LEASED_STALE'],
  ])
  expect(never.terms[0]).toMatchObject({ reason: 'LEASED_STALE', value: 0 })
})

test('idle slots before the window count until they are dead', () => {
  const { units, gbps, tops } = leasedLife(['idle']).slots[0]!
  const day = 28_800
  const key = `${hotkey(1)}/peer1/pci-0`
  const aged = (days: number) => {
    const idleBefore = new Map([[key, [{ slot: 900 - days * day, units, gbps, tops }]]])
    const [slot] = leasedLife(['leased'], { idleBefore }).slots
    return [slot!.units / units, slot!.reason]
  }
  expect(aged(6)).toEqual([expect.closeTo(0.5, 4), 'LEASED'])
  expect(aged(17.5)).toEqual([expect.closeTo(0.25, 4), 'LEASED_STALE'])
  expect(aged(28)).toEqual([0, 'LEASED_STALE'])
  // What is known of later slots says nothing of one before them.
  const later = new Map([[key, [{ slot: 901, units, gbps, tops }]]])
  expect(leasedLife(['leased'], { idleBefore: later }).slots[0]!.units).toBe(0)
})
