import type Docker from 'dockerode'
import { askDocker } from './docker-client.ts'
import { createFrameParser } from './docker-frames.ts'
import type { ContainerUsage, Logs } from './engine.ts'

/** What the container uses now, from one sample (a few milliseconds); zeros when it does not run. */
export async function usageOf(container: Docker.Container): Promise<ContainerUsage> {
  const stats = await askDocker('measure the container', () =>
    container.stats({ stream: false, 'one-shot': true }),
  )
  const memory = stats.memory_stats as { usage?: number; stats?: Record<string, number> }
  // Cache that can be dropped at once is not the tenant's: the names are those of cgroup v2 and v1.
  const cacheBytes = memory.stats?.['inactive_file'] ?? memory.stats?.['total_inactive_file'] ?? 0
  return {
    cpuMs: Math.round((stats.cpu_stats?.cpu_usage?.total_usage ?? 0) / 1e6),
    memoryBytes: Math.max(0, (memory.usage ?? 0) - cacheBytes),
    processes: stats.pids_stats?.current ?? 0,
  }
}

/** Counting the files of a container may take this long. */
const COUNT_MS = 120_000

/** What it wrote on top of its image; undefined where the engine does not say. */
export async function diskBytesOf(container: Docker.Container): Promise<number | undefined> {
  const options: Docker.ContainerInspectOptions & { size: true } = { size: true }
  const found = await askDocker(
    'measure the disk of the container',
    (abortSignal) => container.inspect({ ...options, abortSignal }),
    { timeoutMs: COUNT_MS },
  )
  return (found as { readonly SizeRw?: number }).SizeRw
}

/** Kept output comes framed as attached output does. */
export function splitLogs(raw: Buffer): Logs {
  const frames = createFrameParser().push(raw)
  const only = (name: 'stdout' | 'stderr'): Uint8Array =>
    Buffer.concat(frames.filter(({ stream }) => stream === name).map(({ data }) => data))
  return { stdout: only('stdout'), stderr: only('stderr') }
}
