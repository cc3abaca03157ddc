/** Which of the adapters that WebGPU shows are GPUs that no tool of their vendor told of. Pure. */
import { MiB } from '../units.ts'
import { modelWords, sameGpuName } from './choose-backend.ts'
import { type Gpu, pciId } from './gpu.ts'
import type { RenderNode } from './sources/render-nodes.ts'
import type { WebgpuAdapter } from './webgpu-adapters.ts'

export interface UnclaimedFacts {
  readonly adapters: readonly WebgpuAdapter[]
  /** What the kernel lists; undefined where it does not (Windows). */
  readonly nodes: readonly RenderNode[] | undefined
  /** Vendors whose own tool answers or fails: it tells of their GPUs, now or later. */
  readonly claimed: ReadonlySet<string>
  /** What those tools told of. */
  readonly told: readonly Gpu[]
  /** Memory of the machine, of which GPUs inside a processor take theirs. */
  readonly machineBytes: number
}

/** An id must fit a capability record. */
const MAX_ID = 64

/**
 * The GPUs to add. One chip must never become two devices, so whatever may be a chip that is told of already, or a second
 * driver of one that is added (RADV and AMDVLK call the same card by two names), is left out: no more GPUs of a vendor are
 * added than the kernel has of it. Software is none.
 */
export function unclaimedGpus(facts: UnclaimedFacts): Gpu[] {
  const { adapters, claimed, told } = facts
  const real = adapters.filter(
    ({ isSoftware, vendor, name }) =>
      !isSoftware &&
      !claimed.has(vendor.toLowerCase()) &&
      !told.some((gpu) => sameGpuName(gpu.name, name)),
  )
  const byVendor = Map.groupBy(real, ({ vendor }) => vendor.toLowerCase() || 'other')
  return [...byVendor].flatMap(([vendor, ofVendor]) => gpusOf(vendor, ofVendor, facts))
}

function gpusOf(vendor: string, adapters: readonly WebgpuAdapter[], facts: UnclaimedFacts): Gpu[] {
  const nodes = facts.nodes === undefined ? undefined : nodesOf(vendor, facts.nodes)
  // One adapter for each model: the first driver's.
  const models = [...Map.groupBy(adapters, ({ name }) => modelWords(name)).values()]
  const named = models.flatMap((same) => Array.from({ length: same[0]!.count }, () => same[0]!))
  const shown = named.slice(0, nodes?.length)
  const addressed = addressesFor(shown, nodes)
  const ids = new Set<string>()
  return shown.map((adapter, i) => {
    const node = addressed?.[i]
    const id = node?.address === undefined ? freeId(adapter.name, ids) : pciId(node.address)
    ids.add(id)
    return gpuOf(id, vendor, adapter, node, facts.machineBytes)
  })
}

/** The kernel's GPUs of a vendor; those inside a system on a chip have no vendor there, so a single one is whoever's. */
function nodesOf(vendor: string, nodes: readonly RenderNode[]): readonly RenderNode[] {
  const own = nodes.filter((node) => node.vendor === vendor)
  const inside = nodes.filter((node) => node.vendor === 'platform')
  return own.length === 0 && inside.length === 1 ? inside : own
}

/** Which node each adapter is, where that is certain: one of each, or as many as there are, all of one model. */
function addressesFor(
  shown: readonly WebgpuAdapter[],
  nodes: readonly RenderNode[] | undefined,
): readonly RenderNode[] | undefined {
  if (nodes === undefined || shown.length !== nodes.length) return undefined
  const isOneModel =
    new Set(nodes.map(({ model }) => model)).size === 1 && new Set(shown).size === 1
  return shown.length === 1 || isOneModel ? nodes : undefined
}

function gpuOf(
  id: string,
  vendor: string,
  { name, architecture, description }: WebgpuAdapter,
  node: RenderNode | undefined,
  machineBytes: number,
): Gpu {
  const words = { ...(architecture && { architecture }), ...(description && { description }) }
  const vramMiB =
    node?.vramMiB ?? (isInProcessor(vendor, node) ? Math.floor(machineBytes / MiB) : 0)
  return { id, vendor, name, vramMiB, foundBy: 'webgpu', ...words }
}

/** Apple's GPUs, those of systems on a chip, and Intel's on the first bus: they share the machine's memory. */
const isInProcessor = (vendor: string, node: RenderNode | undefined): boolean =>
  vendor === 'apple' ||
  node?.vendor === 'platform' ||
  (vendor === 'intel' && node?.address?.startsWith('0000:00:') === true)

/** `webgpu-` and the model's words, numbered where they are taken. */
function freeId(name: string, taken: ReadonlySet<string>): string {
  const plain = `webgpu-${modelWords(name).replaceAll(' ', '-') || 'gpu'}`.slice(0, MAX_ID - 3)
  let id = plain
  for (let i = 2; taken.has(id); i++) id = `${plain}-${i}`
  return id
}
