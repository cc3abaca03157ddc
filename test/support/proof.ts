import { devBeacon, type Pulse } from '../../src/beacon.ts'
import { concat, sha256 } from '../../src/bytes.ts'
import { createCpuBackend } from '../../src/gpu/cpu-backend.ts'
import { loadKernels } from '../../src/gpu/kernels.ts'
import { hashState } from '../../src/gpu/locality-proof.ts'
import { openHopChain, openPages, openRows, runWork } from '../../src/gpu/prove-work.ts'
import {
  type Announcement,
  type Final,
  fillSeed,
  type SlotPulses,
  slotStatements,
  workSeed,
} from '../../src/gpu/slot.ts'
import { type AnyWork, slotNetworks } from '../../src/gpu/slot-network.ts'
import { fillRoundOf } from '../../src/gpu/slot-schedule.ts'
import { tickChain, ticksOf } from '../../src/gpu/tick-chain.ts'
import type { Transcript } from '../../src/gpu/transcript.ts'

export const beacon = devBeacon(new Uint8Array(32).fill(3), 1000, 0)
const net = slotNetworks.local

/** The pulses of one slot. */
export const pulsesOf = (slot: number): Required<SlotPulses> => ({
  fill: beacon.sign(fillRoundOf(net, slot)!),
  start: beacon.sign(slot),
  gemm: beacon.sign(slot + net.starts.gemm),
  hops: beacon.sign(slot + net.starts.locality),
  open: beacon.sign(slot + net.open),
})

/** A pulse as a transcript tells it. */
export const told = ({ round, signature }: Pulse) => ({ round, signature })

/**
 * A proof of one slot, small and fast: what a miner would have sent. `seal` signs its Finals; it has a locality chain where
 * checkpoints are asked for. Honest, but that the work named by `lie` is done and opened under another seed than the
 * slot's: every value it commits to is false.
 */
export async function honestProof(
  gpu: Announcement,
  slot: number,
  counted: {
    readonly passes: number
    readonly steps: number
    readonly checkpoints?: number
    /** What a first tick says of each work before the last does; one tick otherwise. */
    readonly first?: number
  },
  seal: (final: Final) => Uint8Array,
  lie?: AnyWork,
) {
  const pulses = pulsesOf(slot)
  const backend = createCpuBackend({ threads: 1 })
  await backend.prepare({ n: gpu.n, bytes: gpu.bytes })
  await backend.fill(fillSeed(gpu, pulses.fill), net.residency.iterations)
  const lied = (work: AnyWork, seed: Uint8Array) => (work === lie ? sha256(seed) : seed)
  const worked = async (work: AnyWork, pulse: Pulse, count: number) => {
    const seed = workSeed(work, gpu, pulse)
    const made: Uint8Array[] = []
    const goesOn = (): boolean => made.length < count
    const about = { seed: lied(work, seed) }
    const job =
      work === 'locality' ? { work, ...about, hops: net.locality.hops } : { work, ...about }
    await runWork(backend, job, goesOn, (root) => made.push(root))
    const roots = work === 'locality' ? made.map(hashState) : made
    const counts = counted.first === undefined ? [count] : [counted.first, count]
    const heads = tickChain(seed, counts, concat(roots))
    const close = { slot, gpu: gpu.gpuId, work, k: counts.length, count, head: heads.at(-1)! }
    const final: Final = { ...close, ticks: ticksOf(heads, counts) }
    return { made: concat(made), roots: concat(roots), counts, final }
  }
  const passes = await worked('residency', pulses.start, counted.passes)
  const steps = await worked('gemm', pulses.gemm, counted.steps)
  const { checkpoints = 0 } = counted
  const hops = checkpoints > 0 ? await worked('locality', pulses.hops, checkpoints) : undefined
  const finals = {
    residency: passes.final,
    gemm: steps.final,
    ...(hops === undefined ? {} : { locality: hops.final }),
  }
  const statements = slotStatements(gpu, pulses, finals)
  const { residency, gemm } = statements
  const kernels = loadKernels()
  const pages = await openPages(backend, kernels, {
    statement: { ...residency, passSeed: lied('residency', residency.passSeed) },
    counts: passes.counts,
    roots: passes.roots,
    limits: net.residency,
  })
  const rows = await openRows(backend, kernels, {
    statement: { ...gemm, seed: lied('gemm', gemm.seed) },
    counts: steps.counts,
    limits: net.gemm,
  })
  const chain = hops && {
    ...openHopChain(kernels, {
      statement: statements.locality!,
      counts: hops.counts,
      states: hops.made,
      limits: net.locality,
    }),
    counts: hops.counts,
    pulse: told(pulses.hops),
    final: seal(hops.final),
  }
  await backend[Symbol.asyncDispose]()
  const transcript: Transcript = {
    version: 2,
    network: 'local',
    genesis: gpu.genesis,
    netuid: gpu.netuid,
    hotkey: gpu.hotkey,
    peerId: gpu.peerId,
    gpu: gpu.gpuId,
    n: gpu.n,
    bytes: gpu.bytes,
    slot,
    beacon: {
      name: beacon.name,
      publicKey: beacon.publicKey,
      periodMs: beacon.periodMs,
      genesisMs: beacon.genesisMs,
    },
    pulses: {
      fill: told(pulses.fill),
      start: told(pulses.start),
      gemm: told(pulses.gemm),
      open: told(pulses.open),
    },
    residency: { ...pages, counts: passes.counts, final: seal(finals.residency) },
    gemm: { ...rows, counts: steps.counts, final: seal(finals.gemm) },
    ...(chain === undefined ? {} : { locality: chain }),
  }
  return { transcript, statements, finals, pulses }
}
