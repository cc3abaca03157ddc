import { expect, test } from 'vitest'
import { devBeacon, type Pulse, timeOf } from '../../src/beacon.ts'
import { concat, sha256 } from '../../src/bytes.ts'
import { hashState } from '../../src/gpu/locality-proof.ts'
import { type ProverEffect, ProverSlot } from '../../src/gpu/prover-slot.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import {
  type Announcement,
  type Final,
  slotStatements,
  type Tick,
  workSeed,
} from '../../src/gpu/slot.ts'
import { type AnyWork, slotNetworks, type Work, works } from '../../src/gpu/slot-network.ts'
import type { CheckedHops, ValidatorEffect } from '../../src/gpu/slot-testimony.ts'
import { tickChain, tickStart } from '../../src/gpu/tick-chain.ts'
import { ValidatorSlot, type ValidatorSlotOptions } from '../../src/gpu/validator-slot.ts'
import { tellTicks } from '../../src/told-ticks.ts'

const net = slotNetworks.local
const beacon = devBeacon(new Uint8Array(32).fill(3), 1000, 0)
const SLOT = 24
const FILL = SLOT - 1
const T0 = timeOf(beacon, SLOT)
const fill = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const pulses = new Map<number, Pulse>()
const pulseOf = (round: number): Pulse => {
  const pulse = pulses.get(round) ?? beacon.sign(round)
  pulses.set(round, pulse)
  return pulse
}
const gpu = (gpuId: string): Announcement => ({
  genesis: fill(1),
  netuid: 1,
  hotkey: fill(2),
  peerId: 'miner',
  gpuId,
  n: 512,
  bytes: FILL_UNIT_BYTES,
})
/** The head before any tick. */
const noWork = (work: Work): Uint8Array =>
  tickStart(workSeed(work, gpu('g'), pulseOf(SLOT + net.starts[work])))

type Sent =
  | { readonly type: 'tick'; readonly tick: Tick }
  | { readonly type: 'final'; readonly tick: Final }
interface Scenario {
  readonly gpus?: string[]
  /** Passes, steps and checkpoints per second. */
  readonly rate?: Partial<Record<AnyWork, number>>
  /** Arrival delay of a message at a validator, or null when it is lost. */
  readonly link?: (sent: Sent, validator: number) => number | null
  readonly tamper?: (sent: Sent, validator: number) => Sent
  readonly withhold?: boolean
  /** Added to a validator's clock. */
  readonly skewMs?: number
  /** Offset of a pulse that validators never get. */
  readonly losePulse?: number
  readonly abstain?: boolean
  readonly validBefore?: ReadonlySet<string>
  readonly checks?: ValidatorSlotOptions['checks']
  /** What validators find of the locality chain. */
  readonly hops?: CheckedHops
}

/** One slot in virtual time, in steps of 10 ms, with two validators. */
function simulate(scenario: Scenario = {}) {
  const { gpus = ['g'], rate = {}, link = () => 20, tamper = (sent: Sent) => sent } = scenario
  const rates = { residency: 100, gemm: 50, locality: 100, ...rate }
  const provers = gpus.map((id) => new ProverSlot(net, beacon, gpu(id), SLOT))
  const { validBefore = new Set<string>(), checks } = scenario
  const options = {
    net,
    beacon,
    gpus: gpus.map(gpu),
    slot: SLOT,
    validBefore,
    ...(checks === undefined ? {} : { checks }),
  }
  const validators = [0, 1].map(() => new ValidatorSlot(options))
  const done: { v: number; atMs: number; effect: ValidatorEffect }[] = []
  const told: { id: string; atMs: number; effect: ProverEffect }[] = []
  const opens = new Map<string, Extract<ProverEffect, { type: 'open' }>>()
  const roots = new Map<string, Uint8Array[]>()
  const running = new Map<string, { work: AnyWork; sinceMs: number }>()
  const mail: { atMs: number; v: number; sent: Sent }[] = []
  const record = (v: number, nowMs: number, effects: ValidatorEffect[]): void => {
    for (const effect of effects) {
      done.push({ v, atMs: nowMs - T0, effect })
      if (effect.type !== 'pull') continue
      const { counts, statements } = opens.get(effect.gpu)!
      const rootsOf = (work: AnyWork) => concat(roots.get(`${effect.gpu}/${work}`)!)
      const heads = {
        residency: tickChain(statements.residency.passSeed, counts.residency, rootsOf('residency')),
        gemm: tickChain(statements.gemm.seed, counts.gemm, rootsOf('gemm')),
      }
      const hops = (): readonly Uint8Array[] =>
        tickChain(statements.locality!.hopSeed, counts.locality!, rootsOf('locality'))
      const locality: { locality?: CheckedHops } =
        effect.statements.locality === undefined
          ? {}
          : {
              locality: scenario.hops ?? {
                verdict: 'VALID',
                heads: hops(),
                counts: counts.locality!,
              },
            }
      const result = { ok: true, heads, counts, content: fill(8), ...locality } as const
      record(v, nowMs, validators[v]!.handle({ ...effect, type: 'checked', result }))
    }
  }
  const act = (id: string, nowMs: number, effects: ProverEffect[]): void => {
    for (const effect of effects) {
      told.push({ id, atMs: nowMs - T0, effect })
      if (effect.type === 'start') running.set(id, { work: effect.work, sinceMs: nowMs })
      if (effect.type === 'stop') running.delete(id)
      if (effect.type === 'tick' || effect.type === 'final') {
        const sent: Sent =
          effect.type === 'tick'
            ? { type: 'tick', tick: effect.tick }
            : { type: 'final', tick: effect.final }
        for (const v of [0, 1]) {
          const delay = link(sent, v)
          if (delay !== null) mail.push({ atMs: nowMs + delay, v, sent: tamper(sent, v) })
        }
      }
      if (effect.type === 'open') {
        opens.set(id, effect)
        if (scenario.withhold) continue
        for (const [v, validator] of validators.entries()) {
          const offer = {
            type: 'openings',
            miner: 'miner',
            gpu: id,
            content: fill(8),
            proveMs: 9,
          } as const
          record(v, nowMs, validator.handle(offer))
        }
      }
    }
  }
  for (let nowMs = T0 - 1100; nowMs < T0 + 12_000; nowMs += 10) {
    const offset = (nowMs - T0) / 1000
    const arrives = Number.isInteger(offset)
    provers.forEach((prover, i) => {
      const id = gpus[i]!
      if (arrives) act(id, nowMs, prover.handle({ type: 'pulse', pulse: pulseOf(SLOT + offset) }))
      act(id, nowMs, prover.handle({ type: 'time', nowMs }))
      const run = running.get(id)
      if (run === undefined || nowMs === run.sinceMs) return
      const { work } = run
      if ((nowMs - run.sinceMs) % Math.round(1000 / rates[work]) !== 0) return
      const list = roots.get(`${id}/${work}`) ?? []
      const made = sha256(Buffer.from(`${id} ${work} ${list.length}`))
      const state = made.subarray(0, 16)
      list.push(work === 'locality' ? hashState(state) : made)
      roots.set(`${id}/${work}`, list)
      prover.handle({ type: 'root', work, root: work === 'locality' ? state : made })
    })
    for (const { v, sent } of mail.filter((m) => m.atMs === nowMs)) {
      validators[v]!.handle({ ...sent, miner: 'miner', atMs: nowMs })
    }
    validators.forEach((validator, v) => {
      if (arrives && offset !== scenario.losePulse) {
        const atMs = nowMs + (scenario.skewMs ?? 0)
        record(v, nowMs, validator.handle({ type: 'pulse', pulse: pulseOf(SLOT + offset), atMs }))
      }
      if (scenario.abstain && nowMs === T0 + 1500) {
        record(v, nowMs, validator.handle({ type: 'abstain', why: 'LAGGED' }))
      }
      record(v, nowMs, validator.handle({ type: 'time', nowMs }))
    })
  }
  const of = <T extends ValidatorEffect['type']>(type: T, v = 0) =>
    done
      .filter((d) => d.v === v && d.effect.type === type)
      .map((d) => ({ atMs: d.atMs, effect: d.effect as Extract<ValidatorEffect, { type: T }> }))
  const line = (v = 0) => of('report', v)[0]?.effect.lines[0]
  const row = (v = 0) => of('verdicts', v)[0]?.effect.rows[0]
  const verdict = (v = 0) => row(v)?.verdict
  return { of, line, row, verdict, opens, told }
}

test('an honest slot: both counted, one statement for all, commit before reveal, VALID', () => {
  const { of, line, verdict, opens } = simulate()
  expect(line()!.steps).toBeGreaterThanOrEqual(40)
  expect(line()!.steps).toBeLessThanOrEqual(50)
  expect(line()!.passes).toBeGreaterThanOrEqual(80)
  expect(line()!.passes).toBeLessThanOrEqual(100)
  expect(line()).toMatchObject({ n: 512, bytes: FILL_UNIT_BYTES })
  expect(of('commit')[0]!.atMs).toBeLessThan(net.commit * 1000)
  expect(of('report')[0]!.atMs).toBeGreaterThanOrEqual(net.reveal * 1000)
  expect(of('commit')[0]!.effect.lines).toEqual(of('report')[0]!.effect.lines)
  expect([verdict(0), verdict(1)]).toEqual(['VALID', 'VALID'])
  expect(of('pull', 0)[0]!.effect.statements).toEqual(opens.get('g')!.statements)
  expect(of('pull', 0)[0]!.effect.statements).toEqual(of('pull', 1)[0]!.effect.statements)
  expect(of('done')).toHaveLength(1)
})

test('the device does one thing at a time: each kind of work stops before the next starts, and all are opened once', () => {
  const { told } = simulate()
  const acts = told.filter(({ effect }) => effect.type !== 'tick')
  expect(
    acts.map(({ effect }) => ('work' in effect ? `${effect.type} ${effect.work}` : effect.type)),
  ).toEqual([
    'start residency',
    'stop residency',
    'final',
    'start gemm',
    'stop gemm',
    'final',
    'start locality',
    'stop locality',
    'final',
    'open',
  ])
  expect(acts.at(-1)!.atMs).toBe(net.open * 1000)
})

test('the seeds follow from the pulse of each phase, the fill’s from that of its epoch', () => {
  const { opens } = simulate()
  const { statements, finals } = opens.get('g')!
  const used = {
    fill: pulseOf(FILL),
    start: pulseOf(SLOT),
    gemm: pulseOf(SLOT + net.starts.gemm),
    hops: pulseOf(SLOT + net.starts.locality),
    open: pulseOf(SLOT + net.open),
  }
  expect(slotStatements(gpu('g'), used, finals)).toEqual(statements)
  const { residency, gemm, locality } = statements
  const seeds = [
    residency.fillSeed,
    residency.passSeed,
    residency.openSeed,
    gemm.seed,
    gemm.openSeed,
    locality!.hopSeed,
    locality!.openSeed,
  ]
  expect(new Set(seeds.map((seed) => Buffer.from(seed).toString('hex'))).size).toBe(7)
  expect(locality!.fillSeed).toEqual(residency.fillSeed)
  const elsewhere = slotStatements(gpu('g'), { ...used, hops: pulseOf(SLOT) }, finals)
  expect(elsewhere.locality).not.toEqual(locality)
  expect([elsewhere.residency, elsewhere.gemm]).toEqual([residency, gemm])
  for (const [name, round] of Object.entries({ fill: FILL - 12, start: SLOT + 1, open: SLOT })) {
    const other = slotStatements(gpu('g'), { ...used, [name]: pulseOf(round) }, finals)
    expect(other.residency).not.toEqual(residency)
  }
})

test('an open pulse that comes before the close is kept for it; late pulses start what they still can', () => {
  const prover = new ProverSlot(net, beacon, gpu('g'), SLOT)
  const hear = (offset: number) => prover.handle({ type: 'pulse', pulse: pulseOf(SLOT + offset) })
  const at = (ms: number) => prover.handle({ type: 'time', nowMs: T0 + ms })
  expect(hear(net.open)).toEqual([])
  hear(0)
  prover.handle({ type: 'root', work: 'residency', root: fill(1) })
  at(150)
  hear(1)
  prover.handle({ type: 'root', work: 'gemm', root: fill(2) })
  at(1150)
  expect(at(2000).map(({ type }) => type)).toEqual(['stop', 'final'])
  expect(hear(-1).map(({ type }) => type)).toEqual(['open'])
  expect(at(2020)).toEqual([])

  const late = new ProverSlot(net, beacon, gpu('g'), SLOT)
  late.handle({ type: 'pulse', pulse: pulseOf(SLOT + 1) })
  expect(late.handle({ type: 'pulse', pulse: pulseOf(SLOT) })).toEqual([]) // its window is over
})

test.each(works)('without any %s work nothing is opened: NO_WORK', (work) => {
  const none = simulate({ rate: { [work]: 0.1 } })
  expect(none.opens.size).toBe(0)
  expect([none.verdict(0), none.verdict(1)]).toEqual(['NO_WORK', 'NO_WORK'])
  const { passes, steps } = none.line()!
  expect(work === 'gemm' ? [passes > 0, steps] : [passes, steps > 0]).toEqual(
    work === 'gemm' ? [true, 0] : [0, true],
  )
})

test.each(works)(
  'a GPU that does all but the %s work is LATE_COMMIT, and its other count stands',
  (work) => {
    const half = simulate({ link: ({ tick }) => (tick.work === work ? null : 20) })
    expect(half.verdict()).toBe('LATE_COMMIT')
    expect(half.line()![work === 'gemm' ? 'steps' : 'passes']).toBe(0)
    expect(half.line()![work === 'gemm' ? 'passes' : 'steps']).toBeGreaterThan(0)
    expect(half.of('pull')).toEqual([])
  },
)

test('work beyond what counts are not sent', () => {
  const prover = new ProverSlot(net, beacon, gpu('g'), SLOT)
  for (const [work, offset, most] of [
    ['residency', 0, net.residency.maxPasses],
    ['gemm', 1, 512],
    ['locality', 2, net.locality.maxCheckpoints],
  ] as const) {
    prover.handle({ type: 'pulse', pulse: pulseOf(SLOT + offset) })
    for (let i = 0; i < most + 9; i++) prover.handle({ type: 'root', work, root: fill(1) })
    const [effect] = prover.handle({ type: 'time', nowMs: T0 + offset * 1000 + 150 })
    expect(effect).toMatchObject({ type: 'tick', tick: { work, count: most } })
  }
})

test('the locality chain is counted and told beside the verdict', () => {
  const { line, row, opens } = simulate()
  expect(line()!.checkpoints).toBeGreaterThanOrEqual(30)
  expect(line()!.checkpoints).toBeLessThanOrEqual(50)
  expect(row()).toMatchObject({ verdict: 'VALID', locality: { verdict: 'VALID' } })
  const { statements, hopStates } = opens.get('g')!
  expect(hopStates).toHaveLength(16 * statements.locality!.checkpoints)
})

// Nothing rests on it: whatever a GPU does with it, passes and steps are judged as ever.
test.each<[string, Scenario, object | undefined]>([
  ['there is none', { rate: { locality: 0.1 } }, undefined],
  ['its pulse reaches nobody', { losePulse: net.starts.locality }, undefined],
  [
    'nothing of it is sent',
    { link: ({ tick }) => (tick.work === 'locality' ? null : 20) },
    undefined,
  ],
  [
    'its Final comes too late',
    { link: ({ type, tick }) => (tick.work === 'locality' && type === 'final' ? 900 : 20) },
    undefined,
  ],
  [
    'a value of it is false',
    { hops: { verdict: 'BAD_VALUE', at: [7] } },
    { verdict: 'BAD_VALUE', at: [7] },
  ],
  ['it is withheld', { hops: { verdict: 'UNAVAILABLE' } }, { verdict: 'UNAVAILABLE' }],
  [
    'one of its ticks is another tale',
    {
      tamper: (sent) =>
        sent.type === 'tick' && sent.tick.work === 'locality' && sent.tick.k === 4
          ? { ...sent, tick: { ...sent.tick, head: fill(66) } }
          : sent,
    },
    undefined,
  ],
  [
    'a tick that was counted is no prefix of it',
    {
      link: ({ type, tick }) =>
        tick.work === 'locality' && type === 'tick' && tick.k > 2 ? null : 20,
      tamper: (sent) =>
        sent.type === 'tick' && sent.tick.work === 'locality' && sent.tick.k === 2
          ? { ...sent, tick: { ...sent.tick, head: fill(66) } }
          : sent,
    },
    undefined,
  ],
])('the locality chain decides nothing: %s', (_, scenario, told) => {
  const run = simulate(scenario)
  for (const v of [0, 1]) {
    expect(run.verdict(v)).toBe('VALID')
    expect(run.row(v)!.locality).toEqual(told)
    expect(run.line(v)!.passes).toBeGreaterThanOrEqual(80)
    expect(run.line(v)!.steps).toBeGreaterThanOrEqual(40)
  }
  expect(run.of('abstained')).toEqual([])
})

test('a GPU that only walks is as silent as one that does nothing', () => {
  const run = simulate({ link: ({ tick }) => (tick.work === 'locality' ? 20 : null) })
  expect(run.verdict()).toBe('SILENT')
  expect(run.line()).toMatchObject({ passes: 0, steps: 0 })
})

test('validators that counted different ticks still check the same openings', () => {
  const run = simulate({ link: ({ type }, v) => (v === 1 && type === 'tick' ? 230 : 20) })
  expect(run.line(1)!.steps).toBeLessThan(run.line(0)!.steps)
  expect(run.line(1)!.passes).toBeLessThan(run.line(0)!.passes)
  expect([run.verdict(0), run.verdict(1)]).toEqual(['VALID', 'VALID'])
})

test('late ticks are not credited; a Final after the close is zero, and LATE_COMMIT', () => {
  expect(simulate({ link: () => 1500 }).line()).toMatchObject({ passes: 0, steps: 0 })
  const late = simulate({ link: ({ type }) => (type === 'final' ? 4000 : 20) })
  expect(late.line()!.steps).toBe(0)
  expect(late.verdict()).toBe('LATE_COMMIT')
  expect(late.of('pull')).toEqual([])
})

test('silence is zero and SILENT; silence after the tick is LATE_COMMIT; withheld openings are UNAVAILABLE', () => {
  const silent = simulate({ link: () => null })
  expect([silent.line()!.steps, silent.verdict()]).toEqual([0, 'SILENT'])
  const mute = simulate({ link: ({ type, tick }) => (type === 'final' || tick.k > 1 ? null : 20) })
  expect([mute.line()!.steps, mute.verdict()]).toEqual([0, 'LATE_COMMIT'])
  const withheld = simulate({ withhold: true })
  expect(withheld.verdict()).toBe('UNAVAILABLE')
  expect(withheld.of('verdicts')[0]!.atMs).toBeGreaterThanOrEqual(net.end * 1000)
})

test.each(works)(
  'two tales of %s: a counted tick that is no prefix of the closed chain is never VALID',
  (work) => {
    const run = simulate({
      tamper: (sent, v) =>
        v === 1 && sent.type === 'tick' && sent.tick.work === work && sent.tick.k === 9
          ? { ...sent, tick: { ...sent.tick, count: sent.tick.count + 5, head: fill(66) } }
          : sent,
    })
    expect(run.verdict(0)).toBe('VALID')
    expect(run.verdict(1)).toBe('EQUIVOCATION')
    expect(run.line(1)).toMatchObject({ passes: 0, steps: 0 })
  },
)

test.each(works)(
  'a forged earlier tick of %s that was counted last is caught by the prefix check',
  (work) => {
    const run = simulate({
      link: ({ type, tick }, v) =>
        v === 1 && type === 'tick' && tick.work === work && tick.k > 5 ? null : 20,
      tamper: (sent, v) =>
        v === 1 && sent.type === 'tick' && sent.tick.work === work && sent.tick.k === 5
          ? { ...sent, tick: { ...sent.tick, count: sent.tick.count + 20, head: fill(66) } }
          : sent,
    })
    expect(run.verdict(1)).toBe('EQUIVOCATION')
  },
)

test.each(works)('a tick of %s that says more than its head binds is never VALID', (work) => {
  // The last tick inside the window claims what is only done after it; its head is the honest one.
  const run = simulate({
    link: ({ type, tick }) => (type === 'tick' && tick.work === work && tick.k > 8 ? null : 20),
    tamper: (sent) =>
      sent.type === 'tick' && sent.tick.work === work && sent.tick.k === 8
        ? { ...sent, tick: { ...sent.tick, count: sent.tick.count + 3 } }
        : sent,
  })
  expect([run.verdict(0), run.verdict(1)]).toEqual(['EQUIVOCATION', 'EQUIVOCATION'])
  const none = simulate({
    link: ({ type, tick }) => (type === 'tick' && tick.work === work && tick.k > 1 ? null : 20),
    tamper: (sent) =>
      sent.type === 'tick' && sent.tick.work === work
        ? { ...sent, tick: { ...sent.tick, k: 0, count: 5, head: noWork(work) } }
        : sent,
  })
  expect(none.verdict()).toBe('EQUIVOCATION')
})

test.each(works)(
  'a tick of %s beyond its Final is a second tale, whichever comes first',
  (work) => {
    for (const delay of [20, 1500]) {
      const run = simulate({
        link: ({ type, tick }) =>
          tick.work !== work || type === 'final' ? 20 : tick.k === 3 ? delay : null,
        tamper: (sent) =>
          sent.type === 'tick' && sent.tick.work === work
            ? { ...sent, tick: { ...sent.tick, count: 400 } }
            : sent,
      })
      expect(run.verdict()).toBe('EQUIVOCATION')
      expect(run.line()).toMatchObject({ passes: 0, steps: 0 })
    }
  },
)

test('one who was not drawn checks nothing and accuses nobody of withholding, but still counts', () => {
  const run = simulate({ checks: () => false })
  expect(run.of('pull')).toEqual([])
  expect(run.of('verdicts')).toEqual([])
  expect(run.line()!.passes).toBeGreaterThan(0)
  const withheld = simulate({ checks: () => false, withhold: true })
  expect(withheld.of('verdicts')).toEqual([])
  const silent = simulate({ checks: () => false, link: () => null })
  expect(silent.verdict()).toBe('SILENT')
})

test('who is drawn follows from the open pulse', () => {
  const asked: [string, number][] = []
  const checks = ({ gpuId }: Announcement, { round }: Pulse): boolean => {
    asked.push([gpuId, round])
    return gpuId === 'g'
  }
  const run = simulate({ gpus: ['g', 'h'], checks })
  expect(asked.toSorted()).toEqual([
    ['g', SLOT + net.open],
    ['g', SLOT + net.open],
    ['h', SLOT + net.open],
    ['h', SLOT + net.open],
  ])
  const rows = run.of('verdicts').flatMap(({ effect }) => effect.rows)
  expect(rows.map(({ gpu: id, verdict }) => [id, verdict])).toEqual([['g', 'VALID']])
})

test.each([
  ['a clock that is behind', { skewMs: -900 }, 'CLOCK_SKEW'],
  ['an event loop that lagged', { abstain: true }, 'LAGGED'],
  ['a missed pulse', { losePulse: 1 }, 'MISSED_PULSE'],
  [
    'hearing far fewer GPUs than before',
    { link: () => null, validBefore: new Set(['miner/g', 'miner/h', 'miner/i', 'miner/j']) },
    'LOW_COVERAGE',
  ],
] as const)('%s makes a validator abstain and accuse nobody', (_, scenario, why) => {
  const run = simulate(scenario)
  expect(run.of('abstained')[0]!.effect.why).toBe(why)
  expect(run.of('commit')).toEqual([])
  expect(run.of('report')).toEqual([])
  const rows = run.of('verdicts').flatMap(({ effect }) => effect.rows)
  expect(rows.filter(({ verdict }) => verdict !== 'VALID')).toEqual([])
})

test('a validator whose few GPUs fall silent says so: in turn, they would else answer for nothing', () => {
  const run = simulate({ link: () => null, validBefore: new Set(['miner/g', 'miner/h']) })
  expect(run.of('abstained')).toEqual([])
  expect(run.verdict()).toBe('SILENT')
})

test('ticks without a proof are heard, and nothing to be missed in the next slot', () => {
  const gpus = Array.from({ length: 9 }, (_, i) => gpu(`g${i}`))
  const slot = new ValidatorSlot({ net, beacon, gpus, slot: SLOT })
  for (const { gpuId } of gpus) {
    const tick: Tick = { slot: SLOT, gpu: gpuId, work: 'gemm', k: 1, count: 1, head: fill(1) }
    slot.handle({ type: 'tick', miner: 'miner', tick, atMs: T0 + 1500 })
  }
  expect(slot.heard.size).toBe(9)
  expect(slot.valid.size).toBe(0)
  const content = fill(8)
  const heads = { residency: [], gemm: [fill(0), fill(1)] }
  const counts = { residency: [], gemm: [1] }
  const result = { ok: true, heads, counts, content } as const
  slot.handle({ type: 'checked', miner: 'miner', gpu: 'g0', result })
  expect([...slot.valid]).toEqual(['miner/g0'])
})

test('one that abstains still vouches for arithmetic it checked', () => {
  expect(simulate({ abstain: true }).verdict()).toBe('VALID')
})

test.each([
  ['open', net.open],
  ['fill', -1],
])('without the %s pulse nobody is accused of withholding', (_, losePulse) => {
  const run = simulate({ losePulse })
  expect(run.of('verdicts')).toEqual([])
  expect(run.line()!.steps).toBeGreaterThan(0)
  expect(run.of('abstained')).toEqual([])
})

test('a late pulse is not clock skew', () => {
  expect(simulate({ skewMs: 900 }).of('abstained')).toEqual([])
})

test('what this validator could not check by its own fault has no verdict', () => {
  const slot = new ValidatorSlot({ net, beacon, gpus: [gpu('g'), gpu('h')], slot: SLOT })
  slot.handle({ type: 'unchecked', miner: 'miner', gpu: 'g' })
  const effects = slot.handle({ type: 'time', nowMs: timeOf(beacon, SLOT + net.end) })
  const verdicts = effects.flatMap((effect) => (effect.type === 'verdicts' ? effect.rows : []))
  expect(verdicts.map(({ gpu }) => gpu)).not.toContain('g')
})

test.each([
  { k: Number.NaN },
  { k: 999 },
  { count: -1 },
  { count: 1.5 },
  { count: 513 },
  { work: 'residency' as const, count: 4097 },
  { work: 'residency' as const, k: 12 },
  { gpu: 'other' },
  { slot: 1 },
  { work: 'other' as Work },
  { head: fill(1).subarray(1) },
])('a tick with %o never counts and never throws', (over) => {
  const slot = new ValidatorSlot({ net, beacon, gpus: [gpu('g')], slot: SLOT })
  const tick: Tick = { slot: SLOT, gpu: 'g', work: 'gemm', k: 1, count: 1, head: fill(1) }
  const said = { ...tick, ...over }
  slot.handle({ type: 'tick', miner: 'miner', tick: said, atMs: T0 + 1500 })
  const final = { ...said, ticks: tellTicks([said]) }
  slot.handle({ type: 'final', miner: 'miner', tick: final, atMs: T0 + 1500 })
  expect(slot.heard.size).toBe(0)
})

test('the same id of two miners is two GPUs, and an unknown miner is none', () => {
  const other = { ...gpu('g'), peerId: 'other' }
  const slot = new ValidatorSlot({ net, beacon, gpus: [gpu('g'), other], slot: SLOT })
  const tick: Tick = { slot: SLOT, gpu: 'g', work: 'gemm', k: 1, count: 1, head: fill(1) }
  for (const miner of ['other', 'stranger']) {
    slot.handle({ type: 'tick', miner, tick, atMs: T0 + 1500 })
  }
  expect([...slot.heard]).toEqual(['other/g'])
})
