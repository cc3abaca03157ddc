import { randomBytes } from 'node:crypto'
import { type DevBeacon, devBeacon } from '../beacon.ts'
import { concat } from '../bytes.ts'
import { minutesMs } from '../units.ts'
import { type GemmOpenings, verifyGemm } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import { loadKernels } from './kernels.ts'
import type { Prover, WorkJob } from './prover.ts'
import { type PassOpenings, verifyPasses } from './residency-proof.ts'
import {
  type Announcement,
  type Final,
  fillSeed,
  maxCount,
  type SlotPulses,
  type SlotStatements,
  slotStatements,
  workSeed,
} from './slot.ts'
import type { PerWork, SlotNetwork, Work } from './slot-network.ts'
import { fillRoundOf, mayStart } from './slot-schedule.ts'
import { tickChain, ticksOf } from './tick-chain.ts'

/** The largest card fills in seconds, a processor a GiB in a minute. */
const FILL_TIMEOUT_MS = minutesMs(10)
const OPEN_TIMEOUT_MS = minutesMs(5)

/** The first slot of a network, and its pulses by a beacon that was made for it and is thrown away. */
export interface OfflineSlot {
  readonly slot: number
  readonly beacon: DevBeacon
  readonly pulses: SlotPulses
}

/** Makes a beacon and the pulses of one slot; whoever makes them knows them, so what is proven counts nowhere. */
export function offlineSlot(net: SlotNetwork, nowMs: number): OfflineSlot {
  let slot = 1
  while (!mayStart(net, slot)) slot++
  const periodMs = net.windowMs.gemm
  const secret = Uint8Array.from(randomBytes(32))
  secret[0]! &= 0x3f // below the order of the curve
  const beacon = devBeacon(secret, periodMs, nowMs - (slot - 1) * periodMs)
  const pulses = {
    fill: beacon.sign(fillRoundOf(net, slot)!),
    start: beacon.sign(slot + net.starts.residency),
    gemm: beacon.sign(slot + net.starts.gemm),
    open: beacon.sign(slot + net.open),
  }
  return { slot, beacon, pulses }
}

export interface OfflineJob {
  readonly prover: Prover
  readonly net: SlotNetwork
  readonly gpu: Announcement
  readonly offline: OfflineSlot
  /** For how long each kind of work is done; one pass and one step are done however long they take. */
  readonly forMs: PerWork<number>
  /** Told what is done next. */
  readonly onStage?: (stage: string) => void
}

/** What a device did in a slot without a network. */
export interface OfflineProof {
  readonly statements: SlotStatements
  readonly finals: PerWork<Final>
  readonly openings: { readonly residency: PassOpenings; readonly gemm: GemmOpenings }
  readonly fillMs: number
  /** From the start to the last root. */
  readonly workMs: PerWork<number>
  readonly openMs: number
}

/** Proves one device once, as in a slot, by a beacon of its own; GPU_PROVER_* when the device or its driver fails. */
export async function proveOffline(job: OfflineJob): Promise<OfflineProof> {
  const { prover, net, gpu, offline, forMs, onStage = () => undefined } = job
  const { pulses } = offline
  onStage('opening the device')
  await prover.prepare({ n: gpu.n, bytes: gpu.bytes })
  onStage('filling its memory')
  const fill = { seed: fillSeed(gpu, pulses.fill), iterations: net.residency.iterations }
  const fillMs = await timed(() => prover.fill(fill, FILL_TIMEOUT_MS))
  const worked = async (work: Work, seed: Bytes) => {
    const most = maxCount(net, work)
    const { roots, tookMs } = await workFor(prover, { work, seed }, { forMs: forMs[work], most })
    const count = roots.length
    const heads = tickChain(seed, [count], concat(roots))
    const about = { slot: offline.slot, gpu: gpu.gpuId, work, k: 1, count, head: heads.at(-1)! }
    const final: Final = { ...about, ticks: ticksOf(heads, [count]) }
    return { final, roots: concat(roots), counts: [count], tookMs }
  }
  onStage('reading it in passes')
  const passes = await worked('residency', workSeed('residency', gpu, pulses.start))
  onStage('computing')
  const steps = await worked('gemm', workSeed('gemm', gpu, pulses.gemm))
  onStage('opening what a pulse picks')
  const finals = { residency: passes.final, gemm: steps.final }
  const statements = slotStatements(gpu, pulses, finals)
  const startedMs = performance.now()
  const residency = await prover.openPages(
    {
      statement: statements.residency,
      counts: passes.counts,
      roots: passes.roots,
      limits: net.residency,
    },
    OPEN_TIMEOUT_MS,
  )
  const gemm = await prover.openRows(
    { statement: statements.gemm, counts: steps.counts, limits: net.gemm },
    OPEN_TIMEOUT_MS,
  )
  const openMs = performance.now() - startedMs
  const workMs = { residency: passes.tookMs, gemm: steps.tookMs }
  return { statements, finals, openings: { residency, gemm }, fillMs, workMs, openMs }
}

/** Why our own verifier refuses a proof, as it would in a slot; undefined when it is good. */
export function faultOf(
  { statements, openings }: Pick<OfflineProof, 'statements' | 'openings'>,
  net: Pick<SlotNetwork, 'residency' | 'gemm'>,
): string | undefined {
  const kernels = loadKernels()
  const passes = verifyPasses(kernels, statements.residency, openings.residency, net.residency)
  if (!passes.ok) return `${passes.why} in the passes`
  const chain = verifyGemm(kernels, statements.gemm, openings.gemm, net.gemm)
  return chain.ok ? undefined : `${chain.why} in the matrix chain`
}

/** Works for a time, and until there is a root; no more than `most`. The time ends with the last root. */
export async function workFor(
  prover: Pick<Prover, 'run' | 'stop'>,
  job: WorkJob,
  { forMs, most }: { readonly forMs: number; readonly most: number },
): Promise<{ readonly roots: Bytes[]; readonly tookMs: number }> {
  const roots: Bytes[] = []
  const startedMs = performance.now()
  let tookMs = 0
  await prover.run(job, (root) => {
    const nowMs = performance.now() - startedMs
    if (roots.length < most && (nowMs <= forMs || roots.length === 0)) {
      roots.push(root)
      tookMs = nowMs
    }
    if (nowMs >= forMs || roots.length === most) prover.stop()
  })
  return { roots, tookMs }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}
