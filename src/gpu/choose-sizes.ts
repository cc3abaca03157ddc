/** How large the proofs of a device shall be. Pure: nothing is asked here. */
import { GiB, MiB } from '../units.ts'
import type { BackendName, ProofSizes } from './backend.ts'
import { MAX_STEPS } from './gemm-proof.ts'
import type { Gpu } from './gpu.ts'
import { expectedTops } from './gpu-classes.ts'
import { FILL_UNIT_BYTES, LEAF_BYTES } from './resident-fill.ts'
import { isProvable } from './slot.ts'
import { type SlotNetwork, slotNetworks } from './slot-network.ts'

/** What is known of a device before anything is allocated on it. */
export interface SizingFacts {
  readonly network: keyof typeof slotNetworks
  readonly gpu: Pick<Gpu, 'vendor' | 'name' | 'vramMiB'>
  readonly backend: BackendName
  /** Software that plays a GPU. */
  readonly isSoftware: boolean
  /** Memory that others use at the moment; null where the driver does not tell. */
  readonly usedMiB: number | null
  /** The largest n that its backend can; no limit of its own where absent. */
  readonly maxN?: number
}

/**
 * Kept free on every device: the driver's context and our kernels (300 to 600 MiB on large cards), memory in pieces too
 * small to use, and a desktop that opens one more window. It is 1.3 % of an H100 and 4 % of an RTX 4090; small cards
 * keep an eighth.
 */
const MAX_RESERVE_BYTES = GiB
const RESERVE_SHARE = 1 / 8
/** Of memory that nobody tells the use of, a sixteenth counts as used. */
const UNTOLD_SHARE = 1 / 16
/** A GPU without memory of its own takes from the machine's, which programs need too. */
const SHARED_SHARE = 1 / 2
/** Vendors whose GPUs mostly have none of their own; drivers tell the machine's memory for them. */
const sharing: ReadonlySet<string> = new Set(['apple', 'intel', 'cpu'])
/** What a unit of the fill takes beside itself: its digests, and at most four nodes of the tree over them. */
const UNIT_BYTES = FILL_UNIT_BYTES + LEAF_BYTES + 4 * 32
/** A device may be this much faster than expected before steps beyond MAX_STEPS are not counted. */
const HEADROOM = 1.5
/** Matrices take no more than this share of what is free. */
const MATRIX_SHARE = 1 / 4
/** When the sizes did not fit, a fill shrinks by an eighth, down to where it would show nothing. */
const SHRINK = 7 / 8
const LEAST_FILL_BYTES = 8 * MiB
/** What software that plays a GPU does in a second, on two cores. */
const SOFTWARE_SIZES: ProofSizes = { n: 256, bytes: MiB }

/** The sizes a device announces, or undefined when it has too little memory for any that its network allows. */
export function chooseSizes(facts: SizingFacts): ProofSizes | undefined {
  const slots = slotNetworks[facts.network]
  const sizes = facts.network === 'local' ? smallSizes(facts, slots) : fullSizes(facts, slots)
  return sizes !== undefined && isProvable(slots, sizes) ? sizes : undefined
}

/** A local market shares one machine: every device proves with little. */
const smallSizes = (
  { isSoftware, maxN = slotNetworks.local.gemm.maxN }: SizingFacts,
  { cpuSizes }: SlotNetwork,
): ProofSizes => {
  const { n, bytes } = isSoftware ? SOFTWARE_SIZES : cpuSizes
  return { n: Math.min(n, maxN), bytes }
}

/** All memory that is free, but the reserve. */
function fullSizes(facts: SizingFacts, slots: SlotNetwork): ProofSizes | undefined {
  const free = freeBytes(facts)
  const n = matrixSize(facts, slots, free)
  if (n === undefined) return undefined
  const units = Math.floor((free - chainBytes(n)) / UNIT_BYTES)
  const bytes = Math.min(units * FILL_UNIT_BYTES, slots.residency.maxBytes)
  return bytes >= LEAST_FILL_BYTES ? { n, bytes } : undefined
}

function freeBytes({ gpu, usedMiB }: SizingFacts): number {
  const shares = sharing.has(gpu.vendor)
  const total = gpu.vramMiB * MiB * (shares ? SHARED_SHARE : 1)
  const used = usedMiB === null ? total * UNTOLD_SHARE : usedMiB * MiB
  return total - used - Math.min(MAX_RESERVE_BYTES, total * RESERVE_SHARE)
}

/**
 * The smallest n with which the device cannot run out of steps, for a larger one counts in coarser steps; smaller where
 * the matrices would take the fill's memory.
 */
function matrixSize(
  { gpu, backend, maxN = Number.POSITIVE_INFINITY }: SizingFacts,
  { gemm, windowMs }: SlotNetwork,
  free: number,
): number | undefined {
  const about = { name: gpu.name, memoryGiB: (gpu.vramMiB * MiB) / GiB }
  const tops = expectedTops(about, backend, sharing.has(gpu.vendor))
  const most = Math.min(gemm.maxN, maxN)
  const fits = (n: number): boolean => n <= most && 3 * n * n <= free * MATRIX_SHARE
  const canCount = (n: number): number => (MAX_STEPS * 2 * n ** 3) / (windowMs.gemm / 1000) / 1e12
  let found: number | undefined
  for (let n = gemm.minN; fits(n); n *= 2) {
    found = n
    if (canCount(n) >= tops * HEADROOM) break
  }
  return found
}

/** Three matrices, and the tree over the rows of one of them in pieces of 1 KiB: 64 B for each. */
const chainBytes = (n: number): number => 3 * n * n + (n * n) / 16

/** The next sizes to try where these did not fit in memory; undefined when smaller ones would show nothing. */
export function smallerSizes({ n, bytes }: ProofSizes, minN: number): ProofSizes | undefined {
  const units = Math.floor((bytes * SHRINK) / FILL_UNIT_BYTES)
  const next = units * FILL_UNIT_BYTES
  if (next < Math.min(bytes, LEAST_FILL_BYTES)) return undefined
  return { n: 3 * n * n > next ? Math.max(minN, n / 2) : n, bytes: next }
}
