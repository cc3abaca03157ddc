import { expect, test } from 'vitest'
import { devBeacon, type Pulse, timeOf } from '../../src/beacon.ts'
import { concat, sha256 } from '../../src/gpu/hash.ts'
import { type ProverEffect, ProverSlot } from '../../src/gpu/prover-slot.ts'
import type { Announcement, Tick } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import type { ValidatorEffect } from '../../src/gpu/slot-testimony.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { ValidatorSlot } from '../../src/gpu/validator-slot.ts'

const net = slotNetworks.local
const beacon = devBeacon(new Uint8Array(32).fill(3), 1000, 0)
const SLOT = 24
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
})

interface Sent {
  readonly type: 'tick' | 'final'
  readonly tick: Tick
}
interface Scenario {
  readonly gpus?: string[]
  /** Steps per second. */
  readonly rate?: number
  /** Arrival delay of a message at a validator, or null when it is lost. */
  readonly link?: (sent: Sent, validator: number) => number | null
  readonly tamper?: (sent: Sent, validator: number) => Sent
  readonly withhold?: boolean
  /** Added to a validator's clock. */
  readonly skewMs?: number
  readonly losePulse?: number
  readonly abstain?: boolean
  readonly heardBefore?: ReadonlySet<string>
}

/** One slot in virtual time, in steps of 10 ms, with two validators. */
function simulate(scenario: Scenario = {}) {
  const { gpus = ['g'], rate = 50, link = () => 20, tamper = (sent: Sent) => sent } = scenario
  const provers = gpus.map((id) => new ProverSlot(net, beacon, gpu(id), SLOT))
  const { heardBefore = new Set<string>() } = scenario
  const validators = [0, 1].map(
    () => new ValidatorSlot({ net, beacon, gpus: gpus.map(gpu), slot: SLOT, heardBefore }),
  )
  const done: { v: number; atMs: number; effect: ValidatorEffect }[] = []
  const opens = new Map<string, Extract<ProverEffect, { type: 'open' }>>()
  const roots = new Map<string, Uint8Array[]>()
  const running = new Map<string, number>()
  const mail: { atMs: number; v: number; sent: Sent }[] = []
  const record = (v: number, nowMs: number, effects: ValidatorEffect[]): void => {
    for (const effect of effects) {
      done.push({ v, atMs: nowMs - T0, effect })
      if (effect.type !== 'pull') continue
      const { counts, statement } = opens.get(effect.gpu)!
      const heads = tickChain(statement.seed, counts, concat(roots.get(effect.gpu)!))
      const result = { ok: true, heads, content: fill(8) } as const
      record(v, nowMs, validators[v]!.handle({ ...effect, type: 'checked', result }))
    }
  }
  const act = (id: string, nowMs: number, effects: ProverEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'start') running.set(id, nowMs)
      if (effect.type === 'stop') running.delete(id)
      if (effect.type === 'tick' || effect.type === 'final') {
        const sent = {
          type: effect.type,
          tick: effect.type === 'tick' ? effect.tick : effect.final,
        }
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
  for (let nowMs = T0 - 100; nowMs < T0 + 12_000; nowMs += 10) {
    const offset = (nowMs - T0) / 1000
    const round = SLOT + offset
    const arrives = Number.isInteger(offset) && offset >= 0 && offset !== scenario.losePulse
    provers.forEach((prover, i) => {
      const id = gpus[i]!
      act(id, nowMs, prover.handle({ type: 'time', nowMs }))
      if (arrives) act(id, nowMs, prover.handle({ type: 'pulse', pulse: pulseOf(round) }))
      const since = running.get(id)
      if (since === undefined || (nowMs - since) % Math.round(1000 / rate) !== 0 || nowMs === since)
        return
      const list = roots.get(id) ?? []
      list.push(sha256(Buffer.from(`${id} ${list.length}`)))
      roots.set(id, list)
      prover.handle({ type: 'root', root: list.at(-1)! })
    })
    for (const { v, sent } of mail.filter((m) => m.atMs === nowMs)) {
      validators[v]!.handle({ ...sent, miner: 'miner', atMs: nowMs })
    }
    validators.forEach((validator, v) => {
      if (arrives) {
        const atMs = nowMs + (scenario.skewMs ?? 0)
        record(v, nowMs, validator.handle({ type: 'pulse', pulse: pulseOf(round), atMs }))
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
  const verdict = (v = 0) => of('verdicts', v)[0]?.effect.rows[0]?.verdict
  return { of, line, verdict, opens }
}

test('an honest slot: ticks counted, one statement for all, commit before reveal, VALID', () => {
  const { of, line, verdict, opens } = simulate()
  expect(line()!.steps).toBeGreaterThanOrEqual(40)
  expect(line()!.steps).toBeLessThanOrEqual(50)
  expect(line()!.passes).toBe(0)
  expect(of('commit')[0]!.atMs).toBeLessThan(net.commit * 1000)
  expect(of('report')[0]!.atMs).toBeGreaterThanOrEqual(net.reveal * 1000)
  expect(of('commit')[0]!.effect.lines).toEqual(of('report')[0]!.effect.lines)
  expect([verdict(0), verdict(1)]).toEqual(['VALID', 'VALID'])
  expect(of('pull', 0)[0]!.effect.statement).toEqual(opens.get('g')!.statement)
  expect(of('pull', 0)[0]!.effect.statement).toEqual(of('pull', 1)[0]!.effect.statement)
  expect(of('done')).toHaveLength(1)
})

test('validators that counted different ticks still check the same openings', () => {
  const run = simulate({ link: ({ type }, v) => (v === 1 && type === 'tick' ? 230 : 20) })
  expect(run.line(1)!.steps).toBeLessThan(run.line(0)!.steps)
  expect([run.verdict(0), run.verdict(1)]).toEqual(['VALID', 'VALID'])
})

test('late ticks are not credited; a Final after the close is zero, and LATE_COMMIT', () => {
  expect(simulate({ link: () => 1500 }).line()!.steps).toBe(0)
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

test('two tales: a counted tick that is no prefix of the closed chain is never VALID', () => {
  const run = simulate({
    tamper: (sent, v) =>
      v === 1 && sent.type === 'tick' && sent.tick.k === 9
        ? { ...sent, tick: { ...sent.tick, count: sent.tick.count + 5, head: fill(66) } }
        : sent,
  })
  expect(run.verdict(0)).toBe('VALID')
  expect(run.verdict(1)).toBe('EQUIVOCATION')
  expect(run.line(1)!.steps).toBe(0)
})

test('a forged earlier tick that was counted last is caught by the prefix check', () => {
  const run = simulate({
    link: ({ type, tick }, v) => (v === 1 && type === 'tick' && tick.k > 5 ? null : 20),
    tamper: (sent, v) =>
      v === 1 && sent.type === 'tick' && sent.tick.k === 5
        ? { ...sent, tick: { ...sent.tick, count: sent.tick.count + 20, head: fill(66) } }
        : sent,
  })
  expect(run.verdict(1)).toBe('EQUIVOCATION')
})

test.each([
  ['a clock that is behind', { skewMs: -900 }, 'CLOCK_SKEW'],
  ['an event loop that lagged', { abstain: true }, 'LAGGED'],
  ['a missed pulse', { losePulse: 1 }, 'MISSED_PULSE'],
  [
    'hearing far fewer GPUs than before',
    { link: () => null, heardBefore: new Set(['miner/g', 'miner/h', 'miner/i']) },
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

test('one that abstains still vouches for arithmetic it checked', () => {
  expect(simulate({ abstain: true }).verdict()).toBe('VALID')
})

test('without the open pulse nobody is accused of withholding', () => {
  const run = simulate({ losePulse: net.open })
  expect(run.of('verdicts')).toEqual([])
  expect(run.line()!.steps).toBeGreaterThan(0)
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
  { gpu: 'other' },
  { slot: 1 },
  { work: 'residency' as const },
  { head: fill(1).subarray(1) },
])('a tick with %o never counts and never throws', (over) => {
  const slot = new ValidatorSlot({ net, beacon, gpus: [gpu('g')], slot: SLOT })
  const tick: Tick = { slot: SLOT, gpu: 'g', work: 'gemm', k: 1, count: 1, head: fill(1) }
  for (const type of ['tick', 'final'] as const) {
    slot.handle({ type, miner: 'miner', tick: { ...tick, ...over }, atMs: T0 + 1500 })
  }
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
