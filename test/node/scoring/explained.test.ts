import { expect, test } from 'vitest'
import { LOCAL_CONSTANTS, PUBLIC_CONSTANTS } from '../../../src/node/scoring/constants.ts'
import type { Evidence } from '../../../src/node/scoring/evidence.ts'
import { product } from '../../../src/node/scoring/gpu-score.ts'
import { score } from '../../../src/node/scoring/score.ts'
import type { Counts } from '../../../src/node/scoring/slot-outcome.ts'
import type { Proof } from '../../../src/node/scoring/suspension.ts'

const ref = { hotkey: '1'.padStart(64, '0'), miner: 'peer1', gpu: 'pci-0' }
const offer = { asset: 'TAO', price: '100000' }
const h100 = { n: 16_384, bytes: 72 * 2 ** 30, passes: 213, steps: 270, offer }
const silent = { ...h100, passes: 0, steps: 0 }
interface Shown extends Partial<Counts> {
  readonly verdict?: string
}

function scored(
  shown: readonly Shown[],
  { c = PUBLIC_CONSTANTS, gpu = ref.gpu, ...more }: Partial<Evidence> & Options = {},
) {
  const evidence: Evidence = {
    slots: shown.map(({ verdict = 'VALID', ...counts }, i) => ({
      slot: 900 * (i + 1),
      testimony: ['v1', 'v2'].map((validator) => ({
        validator,
        rows: [{ ...ref, gpu, mode: 'idle', ...h100, ...counts }],
        verdicts: counts.steps === 0 ? [] : [{ ...ref, gpu, verdict }],
      })),
    })),
    validators: ['v1', 'v2'].map((validator) => ({ validator, stake: 100n })),
    measured: ['passes', 'steps'],
    windowMs: { residency: 6000, gemm: 3000 },
    leasedWindowMs: { residency: 500, gemm: 3000 },
    roundMs: 3000,
    ...more,
  }
  return score(evidence, c).miners.get(ref.hotkey)!.gpus[0]!
}
interface Options {
  readonly c?: typeof PUBLIC_CONSTANTS
  readonly gpu?: string
}
type Scored = ReturnType<typeof scored>

const termOf = ({ terms }: Scored, name: string) => terms.find((term) => term.name === name)!
const causeOf = (gpu: Scored, name: string, reason: string) =>
  termOf(gpu, name).causes.find((cause) => cause.reason === reason)
const times = <T>(n: number, one: T): T[] => Array.from({ length: n }, () => one)

test('a new GPU reads how many ok slots its ramp still needs, and what they would bring', () => {
  const gpu = scored(times(20, h100))
  const ramp = causeOf(gpu, 'ramp', 'RAMPING')!
  expect(ramp).toMatchObject({ raise: '12 more ok slots', constants: { RAMP_SLOTS: 32 } })
  const grown = scored(times(32, h100))
  expect(gpu.score + ramp.lost).toBeCloseTo(grown.score, 5)
  expect(termOf(grown, 'ramp').causes).toEqual([])
})

test('memory that bandwidth cannot stream: the bound is told, and that more of it raises nothing', () => {
  const gpu = scored(times(32, { bytes: 160 * 2 ** 30, passes: 60 }))
  const { raise, lost, constants } = causeOf(gpu, 'units', 'STREAM_CAPPED')!
  expect(raise).toMatch(/^more memory beyond 128 GiB raises nothing: .*; more bandwidth does$/)
  expect(constants).toEqual({ STREAM_MAX_MS: 80 })
  expect(lost).toBeGreaterThan(0)
})

test('a price that is too dear: the price that is not is told, and earns', () => {
  const dear = scored(times(32, { offer: { asset: 'TAO', price: '10000000000' } }))
  const { raise, lost } = causeOf(dear, 'units', 'OFFER_TOO_DEAR')!
  const [, tao] = /([\d.]+) TAO/.exec(raise)!
  const price = String(Math.floor(Number(tao) * 0.999 * 1e9))
  const fair = scored(times(32, { offer: { asset: 'TAO', price } }))
  expect(dear.score).toBe(0)
  expect(fair.score).toBeGreaterThan(0)
  expect(lost).toBeCloseTo(fair.score, 5)
})

test.each<[string, string, string, Scored, object]>([
  ['no offer', 'units', 'NO_OFFER', scored(times(32, { offer: null })), { slots: 32 }],
  ['throughput', 'units', 'TOPS_CAPPED', scored(times(3, { steps: 900 })), {}],
  ['too little', 'units', 'BELOW_MINIMUM', scored(times(3, { bytes: 2 ** 30 })), {}],
  [
    'a lease',
    'units',
    'LEASED',
    scored([h100, { mode: 'leased', bytes: 2.25 * 2 ** 30, passes: 480, steps: 205 }]),
    { slots: 1, constants: { LEASED_FACTOR: 0.5, LEASED_DUTY: 0.75 } },
  ],
  ['a lease without an idle slot', 'units', 'LEASED_STALE', scored([{ mode: 'leased' }]), {}],
  [
    'an exclusive lease',
    'units',
    'EXCLUSIVE_LEASE',
    scored([h100, { ...silent, mode: 'exclusive' }]),
    { slots: 1 },
  ],
  ['silence', 'reliability', 'SILENT', scored([...times(30, h100), silent, silent]), { slots: 2 }],
  ['a bad path', 'reliability', 'BAD_PATH', scored([h100, { verdict: 'BAD_PATH' }]), { slots: 1 }],
  [
    'openings',
    'reliability',
    'OPENINGS_MISSING',
    scored([h100, { verdict: 'UNAVAILABLE' }]),
    { slots: 1 },
  ],
  ['no locality', 'rate', 'NOT_LOCAL', scored([h100]), { constants: { RATE_MIN: 0.5 } }],
  [
    'failed leases',
    'leases',
    'LEASE_FAILED',
    scored([h100], { leases: new Map([[ref.hotkey, { failedPaidHours: 1, gpuHours: 10 }]]) }),
    { constants: { LEASE_PENALTY_MAX: 0.3 } },
  ],
  ['a processor', 'units', 'BELOW_MINIMUM', scored([h100], { gpu: 'cpu-0' }), {}],
])('%s: what it costs and what would raise it is told', (_, name, reason, gpu, expected) => {
  const cause = causeOf(gpu, name, reason)
  expect(cause).toMatchObject(expected)
  expect(cause!.raise.length).toBeGreaterThan(10)
  if (gpu.gpu !== 'cpu-0' && gpu.score > 0) expect(cause!.lost).toBeGreaterThan(0)
})

test('suspension and the value that caused it are told apart', () => {
  const found = [900, 1800, 2700].map(
    (slot): Proof => ({ slot, miner: ref.miner, gpu: ref.gpu, reason: 'BAD_VALUE' }),
  )
  const proofs = { found, roundMs: 3000, roundsPerSlot: 900 }
  const gpu = scored(times(8, h100), { proofs })
  expect(causeOf(gpu, 'units', 'SUSPENDED')).toMatchObject({
    slots: 5,
    constants: { SUSPEND_D: 7 },
  })
  expect(causeOf(gpu, 'reliability', 'BAD_VALUE')).toMatchObject({ slots: 3 })
})

test('terms multiply to the score, and causes add up to what their term costs', () => {
  const gpu = scored([...times(20, h100), silent, { offer: null }, { verdict: 'BAD_PATH' }])
  expect(product(gpu.terms)).toBe(gpu.score)
  for (const { lost, causes } of gpu.terms) {
    const sum = causes.reduce((all, cause) => all + cause.lost, 0)
    expect(sum).toBeCloseTo(lost, 5)
  }
})

test('where nothing is lost nothing is asked for', () => {
  const best = scored(times(32, { steps: 280, bytes: 80 * 2 ** 30, passes: 220 }))
  const asked = best.terms.filter(({ causes }) => causes.length > 0).map(({ name }) => name)
  expect(asked).toEqual(['rate'])
  const cpu = scored(times(2, { n: 512, steps: 300 }), { gpu: 'cpu-0', c: LOCAL_CONSTANTS })
  expect(cpu.terms.flatMap(({ causes }) => causes)).toEqual([])
})
