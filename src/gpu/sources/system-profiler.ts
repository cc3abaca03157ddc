import { MiB } from '../../units.ts'
import { type Gpu, NO_FIGURES } from '../gpu.ts'
import { jsonIn, leavesOf, numberAt, textAt } from './loose-json.ts'
import { runTool, toolFailed } from './run-tool.ts'
import type { GpuSource } from './source.ts'

/**
 * Parses `system_profiler SPDisplaysDataType -json`. Apple's own GPUs share the machine's memory (`memsize` bytes);
 * others tell theirs as text, e.g. `8 GB`.
 */
export function parseSystemProfiler(document: unknown, memsize: number | null): Gpu[] {
  const listed = (document as { SPDisplaysDataType?: unknown } | null)?.SPDisplaysDataType
  const cards: readonly unknown[] = Array.isArray(listed) ? listed : []
  return cards.map((card, place) => {
    const leaves = leavesOf(card)
    const vendor = textAt(leaves, /^spdisplays_vendor$/) ?? ''
    const vram = textAt(leaves, /spdisplays_vram(_shared)?$/)
    const unit = /GB/i.test(vram ?? '') ? 1024 : 1
    const own = numberAt(leaves, /spdisplays_vram(_shared)?$/)
    const shared = memsize === null ? 0 : Math.floor(memsize / MiB)
    return {
      // There is no address to tell: its place is stable as long as nothing is plugged in or out.
      id: `display-${place}`,
      vendor: /apple|amd|intel|nvidia/i.exec(vendor)?.[0].toLowerCase() ?? 'other',
      name: textAt(leaves, /^sppci_model$/, /^_name$/) ?? 'GPU',
      vramMiB: own === null ? shared : own * unit,
    }
  })
}

/** The GPUs of a Mac. What it measures (power, heat) only root may ask, so there are no figures. */
export const systemProfiler = ({
  env,
}: {
  readonly env?: NodeJS.ProcessEnv | undefined
} = {}): GpuSource => ({
  name: 'system_profiler',
  async read({ timeoutMs }) {
    const options = { env, timeoutMs }
    const run = await runTool('system_profiler', ['SPDisplaysDataType', '-json'], options)
    if (run === undefined) return undefined
    const document = jsonIn(run.stdout)
    if (!run.ok || document === undefined) throw toolFailed('system_profiler', run.reason)
    const memory = await runTool('sysctl', ['-n', 'hw.memsize'], options)
    const bytes = Number(memory?.stdout.trim() ?? '')
    const gpus = parseSystemProfiler(document, bytes > 0 ? bytes : null)
    return { gpus: gpus.map((gpu) => ({ gpu, figures: NO_FIGURES })), unnamed: [] }
  },
  async [Symbol.asyncDispose]() {},
})
