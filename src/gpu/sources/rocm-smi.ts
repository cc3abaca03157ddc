import { MiB } from '../../units.ts'
import { type GpuFigures, NO_FIGURES, pciId } from '../gpu.ts'
import { jsonIn, type Leaf, leavesOf, numberAt, textAt } from './loose-json.ts'
import { runTool, toolFailed } from './run-tool.ts'
import type { GpuReading, GpuSource } from './source.ts'

/** Parses `rocm-smi -a --showmeminfo vram --json`: `{"card0":{…},"system":{…}}` with keys as people read them. */
export function parseRocmSmi(document: unknown): GpuReading[] {
  const entries = Object.entries((document ?? {}) as Record<string, unknown>)
  const driver = textAt(leavesOf(document), /driver version$/)
  return entries.flatMap(([card, said]) => {
    const leaves = leavesOf(said)
    const address = textAt(leaves, /^pci bus$/)
    if (!/^card\d+$/.test(card) || address === null) return []
    const total = numberAt(leaves, /^vram total memory/)
    const target = textAt(leaves, /^gfx version$/)
    const gpu = {
      id: pciId(address),
      vendor: 'amd',
      name: textAt(leaves, /^device name$/, /^card series$/, /^card model$/) ?? 'AMD GPU',
      vramMiB: inMiB(total) ?? 0,
      ...(driver === null ? {} : { driver }),
      ...(target === null ? {} : { computeCapability: target.slice(0, 16) }),
    }
    return [{ gpu, figures: figuresOf(leaves) }]
  })
}

const figuresOf = (leaves: readonly Leaf[]): GpuFigures => ({
  ...NO_FIGURES,
  temperatureC: numberAt(leaves, /^temperature \(sensor (junction|hotspot)\)/, /^temperature/),
  powerW: numberAt(leaves, /^(average|current socket) graphics package power/),
  powerLimitW: numberAt(leaves, /^max graphics package power/),
  utilizationPercent: numberAt(leaves, /^gpu use \(%\)/),
  memoryUsedMiB: inMiB(numberAt(leaves, /^vram total used memory/)),
  coreClockMHz: numberAt(leaves, /^sclk clock speed/),
  memoryClockMHz: numberAt(leaves, /^mclk clock speed/),
})

const inMiB = (bytes: number | null): number | null =>
  bytes === null ? null : Math.floor(bytes / MiB)

/** AMD GPUs through `rocm-smi`, the program of ROCm before `amd-smi`. */
export const rocmSmi = ({
  env,
}: {
  readonly env?: NodeJS.ProcessEnv | undefined
} = {}): GpuSource => ({
  name: 'rocm-smi',
  async read({ timeoutMs }) {
    const args = ['-a', '--showmeminfo', 'vram', '--json']
    const run = await runTool('rocm-smi', args, { env, timeoutMs })
    if (run === undefined) return undefined
    const document = jsonIn(run.stdout)
    if (!run.ok || document === undefined) throw toolFailed('rocm-smi', run.reason)
    return { gpus: parseRocmSmi(document), unnamed: [] }
  },
  async [Symbol.asyncDispose]() {},
})
