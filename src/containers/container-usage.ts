import type Docker from 'dockerode'
import { askDocker, isEnded } from './docker-client.ts'
import { createFrameParser } from './docker-frames.ts'
import type { ContainerUsage, Logs } from './engine.ts'

/**
 * What the container uses now, from one sample (a few milliseconds); zeros when it does not run. Its traffic is counted
 * where its network is: with the container that holds that, if one does.
 */
export async function usageOf(
  container: Docker.Container,
  holder: Docker.Container | undefined,
): Promise<ContainerUsage> {
  const [stats, network] = await Promise.all([
    statsOf(container),
    holder === undefined ? undefined : statsOf(holder).then(trafficOf, unlessGone),
  ])
  const memory = stats.memory_stats as { usage?: number; stats?: Record<string, number> }
  // Cache that can be dropped at once is not the tenant's: the names are those of cgroup v2 and v1.
  const cacheBytes = memory.stats?.['inactive_file'] ?? memory.stats?.['total_inactive_file'] ?? 0
  const readMs = Date.parse(stats.read ?? '')
  return {
    atMs: readMs > 0 ? readMs : Date.now(),
    cpuMs: Math.round((stats.cpu_stats?.cpu_usage?.total_usage ?? 0) / 1e6),
    memoryBytes: Math.max(0, (memory.usage ?? 0) - cacheBytes),
    processes: stats.pids_stats?.current ?? 0,
    network: network ?? trafficOf(stats),
  }
}

const statsOf = (container: Docker.Container): Promise<Docker.ContainerStats> =>
  askDocker('measure the container', () => container.stats({ stream: false, 'one-shot': true }))

/** Undefined for a container that has no network of its own. */
function trafficOf({ networks }: Docker.ContainerStats): ContainerUsage['network'] {
  if (networks === undefined) return undefined
  const all = Object.values(networks)
  return {
    rxBytes: all.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    txBytes: all.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
  }
}

/** What holds the network may go with the container, just now. */
function unlessGone(error: unknown): undefined {
  if (!isEnded(error)) throw error
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
