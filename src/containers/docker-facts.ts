import { askDocker, createDockerClient } from './docker-client.ts'
import { compareVersions, MIN_DOCKER_API } from './docker-engine.ts'

/** What a Docker Engine says of itself. */
export interface DockerFacts {
  readonly version: string
  readonly apiVersion: string
  /** Whether this program can use it (Docker 20.10 or newer). */
  readonly recent: boolean
  /** True when it can hand out NVIDIA GPUs. */
  readonly nvidia: boolean
  /** Limits that its kernel cannot enforce, e.g. `memory`; a lease would not be held to them. */
  readonly unlimited: readonly string[]
}

/** Asks the engine of DOCKER_HOST. ENGINE_UNKNOWN when none answers in time. */
export async function dockerFacts(timeoutMs: number, signal?: AbortSignal): Promise<DockerFacts> {
  const docker = createDockerClient()
  const options = { signal, timeoutMs }
  const [version, info] = await Promise.all([
    askDocker('tell its version', () => docker.version(), options),
    askDocker('describe itself', () => docker.info() as Promise<DockerInfo>, options),
  ])
  const limits = { memory: info.MemoryLimit, processes: info.PidsLimit, cpu: info.CpuCfsQuota }
  return {
    version: version.Version,
    apiVersion: version.ApiVersion,
    recent: compareVersions(version.ApiVersion, MIN_DOCKER_API) >= 0,
    nvidia: Object.keys(info.Runtimes ?? {}).includes('nvidia') || hasNvidiaCdi(info),
    unlimited: Object.entries(limits).flatMap(([name, works]) => (works === false ? [name] : [])),
  }
}

interface DockerInfo {
  readonly MemoryLimit?: boolean
  readonly PidsLimit?: boolean
  readonly CpuCfsQuota?: boolean
  readonly Runtimes?: Readonly<Record<string, unknown>>
  /** Docker 28.2 and newer. */
  readonly DiscoveredDevices?: readonly { readonly ID?: string }[] | null
}

const hasNvidiaCdi = ({ DiscoveredDevices }: DockerInfo): boolean =>
  (DiscoveredDevices ?? []).some(({ ID = '' }) => ID.startsWith('nvidia.com/gpu'))
