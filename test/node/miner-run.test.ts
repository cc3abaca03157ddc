import { expect, test } from 'vitest'
import { timeOf } from '../../src/beacon.ts'
import type { Prover, WorkJob } from '../../src/gpu/prover.ts'
import { fillSeed } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { fillRoundOf, windowOf } from '../../src/gpu/slot-schedule.ts'
import { silent } from '../../src/log.ts'
import { createEvents } from '../../src/node/events.ts'
import { MinerRun, type MinerRunParts } from '../../src/node/miner-run.ts'
import { testKey, testNet } from '../support/market.ts'
import { beacon } from '../support/proof.ts'

const slots = slotNetworks.local
const SLOT = 24
const of = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const gpu = {
  genesis: of(1),
  netuid: 2,
  hotkey: of(3),
  peerId: 'p',
  gpuId: 'cpu-0',
  n: 256,
  bytes: 2 ** 20,
}
const fill = beacon.sign(fillRoundOf(slots, SLOT)!)

/** A run whose device holds the fill of `held.seed`; what its prover was told is in `did`. */
function world() {
  const did: string[] = []
  const sent: string[] = []
  const held = { seed: of(0) }
  const prover = {
    backend: 'cpu',
    run: async ({ work }: WorkJob) => void did.push(work),
    stop: () => void did.push('stop'),
  } as Partial<Prover> as Prover
  const core = {
    net: testNet(),
    key: testKey(1),
    log: silent,
    events: createEvents(() => 0),
    nowMs: () => 0,
  }
  const parts = {
    core,
    slots,
    pulses: { beacon, get: (round: number) => (round === fill.round ? fill : undefined) },
    fills: {
      holds: (_: string, seed: Uint8Array) => Buffer.compare(seed, held.seed) === 0,
      forget: () => undefined,
    },
    send: (kind: string) => void sent.push(kind),
    misbehaviour: {},
  } as unknown as MinerRunParts
  const told = () => core.events.recent().map(({ event }) => event)
  return { did, sent, told, held, run: new MinerRun(parts, SLOT, gpu, prover) }
}

const { fromMs, untilMs } = windowOf(slots, beacon, SLOT, 'residency')

test('passes wait for the fill of their own epoch', () => {
  const { did, held, run } = world()
  run.handle({ type: 'pulse', pulse: beacon.sign(SLOT) })
  run.handle({ type: 'time', nowMs: fromMs + 10 })
  expect(did).toEqual([])
  held.seed = fillSeed(gpu, fill)
  run.handle({ type: 'time', nowMs: fromMs + 30 })
  run.handle({ type: 'time', nowMs: fromMs + 50 })
  expect(did).toEqual(['residency'])
})

test('passes whose fill does not come in time are never begun', () => {
  const { did, held, run } = world()
  run.handle({ type: 'pulse', pulse: beacon.sign(SLOT) })
  run.handle({ type: 'time', nowMs: untilMs })
  held.seed = fillSeed(gpu, fill)
  run.handle({ type: 'time', nowMs: untilMs + 20 })
  expect(did).not.toContain('residency')
  expect(did).toContain('stop')
})

test('one that is abandoned stops its work, says nothing more and fails nothing', () => {
  const { did, sent, told, held, run } = world()
  held.seed = fillSeed(gpu, fill)
  run.handle({ type: 'pulse', pulse: beacon.sign(SLOT) })
  run.handle({ type: 'time', nowMs: fromMs + 150 })
  expect(sent).toEqual(['tick'])
  run.abandon()
  run.handle({ type: 'time', nowMs: untilMs + 20 })
  run.handle({ type: 'pulse', pulse: beacon.sign(SLOT + slots.starts.gemm) })
  expect(run.isOver).toBe(true)
  expect(did).toEqual(['residency', 'stop'])
  expect(sent).toEqual(['tick'])
  expect(told()).toEqual(['slot-started', 'slot-abandoned'])
})

test('a slot without anything to open keeps its device from the next one no longer than its open pulse may be late', () => {
  const { run } = world()
  run.handle({ type: 'pulse', pulse: beacon.sign(SLOT) })
  run.handle({ type: 'time', nowMs: timeOf(beacon, SLOT + slots.open) })
  expect(run.isOver).toBe(false)
  run.handle({ type: 'time', nowMs: timeOf(beacon, SLOT + slots.open + 2) })
  expect(run.isOver).toBe(true)
})
