import { type Gpu, type GpuFigures, NO_FIGURES, pciId } from '../gpu.ts'
import { jsonIn, type Leaf, leavesOf, numberAt, textAt } from './loose-json.ts'
import { runTool, toolFailed } from './run-tool.ts'
import type { GpuSource } from './source.ts'

/** Parses `amd-smi static --json`: the GPUs by the number that the tool gives them. */
export function parseAmdStatic(document: unknown): Map<number, Gpu> {
  const found = new Map<number, Gpu>()
  for (const [index, leaves] of cardsOf(document)) {
    const address = textAt(leaves, /(^|\.)bdf$/)
    if (address !== null) found.set(index, gpuOf(leaves, address))
  }
  return found
}

function gpuOf(leaves: readonly Leaf[], address: string): Gpu {
  const driver = textAt(leaves, /driver\.(driver_)?version$/)
  const target = textAt(leaves, /target_graphics_version$/)
  const pcie = {
    gen: numberAt(leaves, /pcie_interface_version$/),
    width: numberAt(leaves, /max_pcie_width$/, /max_pcie_lanes$/),
  }
  return {
    id: pciId(address),
    vendor: 'amd',
    name: textAt(leaves, /asic\.market_name$/, /board\.product_name$/) ?? 'AMD GPU',
    // Its MB are MiB.
    vramMiB: numberAt(leaves, /vram\.(size|vram_size)(_mb)?$/) ?? 0,
    ...(driver === null ? {} : { driver }),
    ...(target === null ? {} : { computeCapability: target.slice(0, 16) }),
    ...(pcie.gen === null && pcie.width === null ? {} : { pcie }),
  }
}

/** Parses `amd-smi metric --json`, by the same numbers. */
export function parseAmdMetric(document: unknown): Map<number, GpuFigures> {
  return new Map(cardsOf(document).map(([index, leaves]) => [index, figuresOf(leaves)]))
}

const figuresOf = (leaves: readonly Leaf[]): GpuFigures => ({
  ...NO_FIGURES,
  // The hottest spot is what the card itself throttles on.
  temperatureC: numberAt(leaves, /temperature\.hotspot/, /temperature\.edge/),
  powerW: numberAt(leaves, /power\.(current_|average_)?socket_power$/, /power\.average_power$/),
  powerLimitW: numberAt(leaves, /power\.power_(cap|limit)$/),
  utilizationPercent: numberAt(leaves, /usage\.gfx_(activity|usage)$/),
  memoryUsedMiB: numberAt(leaves, /(mem_usage|vram|fb)[\w.]*used(_vram)?$/),
  coreClockMHz: numberAt(leaves, /clock\.gfx(_0)?\.(clk|cur_clk)$/),
  memoryClockMHz: numberAt(leaves, /clock\.mem(_0)?\.(clk|cur_clk)$/),
  eccErrors: numberAt(leaves, /ecc\.total_uncorrect(able|ed)_(count|errors)?$/),
})

/** `[{"gpu":0,…}]`, in newer versions inside `{"gpu_data":…}`. */
function cardsOf(document: unknown): [index: number, leaves: Leaf[]][] {
  const wrapped = (document as { gpu_data?: unknown } | null)?.gpu_data ?? document
  const cards: readonly unknown[] = Array.isArray(wrapped) ? wrapped : []
  return cards.map((card, place) => {
    const leaves = leavesOf(card)
    return [numberAt(leaves, /^gpu$/) ?? place, leaves]
  })
}

/** AMD GPUs through `amd-smi` (ROCm 6 and newer). */
export function amdSmi({ env }: { readonly env?: NodeJS.ProcessEnv | undefined } = {}): GpuSource {
  /** What GPUs there are is asked once: the tool takes a second for each answer. */
  let known: ReadonlyMap<number, Gpu> | undefined
  return {
    name: 'amd-smi',
    async read({ timeoutMs }) {
      const say = async (what: string): Promise<unknown> => {
        const run = await runTool('amd-smi', [what, '--json'], { env, timeoutMs })
        if (run === undefined) return undefined
        const document = run.ok ? jsonIn(run.stdout) : undefined
        if (document !== undefined) return document
        known = undefined
        throw toolFailed('amd-smi', run.reason)
      }
      const metric = await say('metric')
      if (metric === undefined) return undefined
      const figures = parseAmdMetric(metric)
      if (known === undefined || [...figures.keys()].join() !== [...known.keys()].join()) {
        known = parseAmdStatic(await say('static'))
      }
      const gpus = [...known].flatMap(([index, gpu]) => {
        const now = figures.get(index)
        return now === undefined ? [] : [{ gpu, figures: now }]
      })
      return { gpus, unnamed: [] }
    },
    async [Symbol.asyncDispose]() {},
  }
}
