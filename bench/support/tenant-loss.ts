import { setTimeout as delay } from 'node:timers/promises'
import { concat } from '../../src/bytes.ts'
import type { ProofSizes } from '../../src/gpu/backend.ts'
import { paceIn, proofSharePpm } from '../../src/gpu/leased-proofs.ts'
import type { Prover } from '../../src/gpu/prover.ts'
import {
  type PerWork,
  type SlotNetwork,
  slotNetworks,
  type Work,
} from '../../src/gpu/slot-network.ts'
import { median, type Result } from './bench.ts'

export interface TenantWorld {
  /** Another process that works on the same device: what it is slowed down by is what a tenant loses. */
  readonly tenant: Prover
  readonly tenantSizes: ProofSizes
  readonly prover: Prover
  readonly leasedSizes: ProofSizes
  /** Whose windows, duty and slots are played; slots come as often as on a local network. */
  readonly net: SlotNetwork
  readonly turns: number
  /** Slots that the tenant's computation lasts for when it is alone. */
  readonly slots: number
  readonly progress: (line: string) => void
}

const seed = new Uint8Array(32).fill(7)
const OPEN_TIMEOUT_MS = 120_000
/** Enough to tell how fast the tenant is. */
const SAMPLE_STEPS = 64
/** Between two slots: those of a local network. */
const SLOT_MS = slotNetworks.local.stride * slotNetworks.local.roundMs

/**
 * What a tenant's fixed computation takes alone and beside the proofs of a leased device, openings included. Slots come
 * far more often here than on a public network, so the loss is put in proportion to the time that proofs were at work.
 */
export async function measureTenantLoss(world: TenantWorld): Promise<Result> {
  const { tenant, tenantSizes, prover, leasedSizes, net, turns, slots, progress } = world
  await tenant.prepare(tenantSizes)
  await prover.prepare(leasedSizes)
  await prover.fill({ seed, iterations: net.residency.iterations }, OPEN_TIMEOUT_MS)
  await compute(tenant, SAMPLE_STEPS) // warm
  const perStepS = (await secondsOf(() => compute(tenant, SAMPLE_STEPS))) / SAMPLE_STEPS
  const steps = Math.ceil((slots * SLOT_MS) / 1000 / perStepS)
  const [alone, beside, busy]: [number[], number[], number[]] = [[], [], []]
  for (let turn = 1; turn <= turns; turn++) {
    const aloneS = await secondsOf(() => compute(tenant, steps))
    const life = new AbortController()
    const [busyS, besideS] = await Promise.all([
      proveSlots(world, life.signal),
      secondsOf(() => compute(tenant, steps)).finally(() => life.abort()),
    ])
    alone.push(aloneS)
    beside.push(besideS)
    busy.push(busyS / besideS)
    progress(
      `${turn}/${turns}: ${aloneS.toFixed(2)} s alone, ${besideS.toFixed(2)} s beside proofs`,
    )
  }
  const lost = median(beside.map((s, i) => 1 - alone[i]! / s))
  const share = median(busy)
  const atWork = proofSharePpm(slotNetworks.finney) / 1e6
  return {
    figures: {
      lossPercent: 100 * lost,
      provingPercent: 100 * share,
      lossPerProving: lost / share,
      publicLossPercent: 100 * (lost / share) * atWork,
      publicProvingPercent: 100 * atWork,
    },
    yardstick: { aloneS: median(alone), steps },
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return (performance.now() - startMs) / 1000
}

/** The tenant's computation: so many steps of matrix chains. */
async function compute(tenant: Prover, steps: number): Promise<void> {
  let left = steps
  while (left > 0) {
    await tenant.run({ work: 'gemm', seed }, () => {
      left -= 1
      if (left === 0) tenant.stop()
    })
  }
}

/** Slot after slot until `signal` aborts; resolves with the seconds that proofs worked, without their rests. */
async function proveSlots(world: TenantWorld, signal: AbortSignal): Promise<number> {
  let busyS = 0
  while (!signal.aborted) {
    const startMs = performance.now()
    busyS += await proveSlot(world, signal)
    const restMs = Math.max(0, SLOT_MS - (performance.now() - startMs))
    await delay(restMs, undefined, { signal }).catch(() => undefined) // the tenant is done
  }
  return busyS
}

/** Both windows and, unless `signal` aborted meanwhile, their openings; resolves with the seconds of work. */
async function proveSlot(world: TenantWorld, signal: AbortSignal): Promise<number> {
  const { prover, net } = world
  const { duty } = net.leased
  const done: Record<Work, Uint8Array[]> = { residency: [], gemm: [] }
  let worked = 0
  for (const work of net.phases) {
    const took = await secondsOf(async () => {
      done[work] = await workOneWindow(prover, net, work)
    })
    worked += duty[work] * took
  }
  if (signal.aborted || net.phases.some((work) => done[work].length === 0)) return worked
  return worked + (await secondsOf(() => open(world, done)))
}

async function open(
  { prover, leasedSizes: { n, bytes }, net }: TenantWorld,
  { residency, gemm }: PerWork<readonly Uint8Array[]>,
): Promise<void> {
  const about = { openSeed: seed, ticks: 1, closing: seed }
  const [passes, steps] = [residency.length, gemm.length]
  const passStatement = { ...about, fillSeed: seed, passSeed: seed, bytes, passes }
  await prover.openPages(
    {
      statement: passStatement,
      counts: [passes],
      roots: concat(residency),
      limits: net.residency,
    },
    OPEN_TIMEOUT_MS,
  )
  await prover.openRows(
    { statement: { ...about, seed, n, steps }, counts: [steps], limits: net.gemm },
    OPEN_TIMEOUT_MS,
  )
}

/** One kind of work for as long as its window beside a tenant is, at its duty; what it did, as far as it counts. */
async function workOneWindow(prover: Prover, net: SlotNetwork, work: Work): Promise<Uint8Array[]> {
  const roots: Uint8Array[] = []
  const most = work === 'residency' ? net.residency.maxPasses : Number.POSITIVE_INFINITY
  const timer = setTimeout(() => prover.stop(), paceIn(net, 'leased').windowMs[work])
  try {
    await prover.run({ work, seed, duty: net.leased.duty[work] }, (root) => {
      if (roots.length < most) roots.push(root)
    })
  } finally {
    clearTimeout(timer)
  }
  return roots
}
