import type Docker from 'dockerode'
import { MiB } from '../units.ts'
import { askDocker, createDockerClient } from './docker-client.ts'
import { compareVersions, MIN_DOCKER_API } from './docker-version.ts'

/** What a Docker Engine says of itself. */
export interface DockerFacts {
  readonly version: string
  readonly apiVersion: string
  /** Whether this program can use it (Docker 20.10 or newer). */
  readonly recent: boolean
  /** How it hands out NVIDIA GPUs: by the container toolkit, by device files (CDI, Docker 28.2), or not at all. */
  readonly gpus: 'toolkit' | 'cdi' | undefined
  /** Limits that its kernel cannot enforce, e.g. `memory`; a lease would not be held to them. */
  readonly unlimited: readonly string[]
  /** What it can run containers with, sorted, e.g. `runc`, `runsc`. */
  readonly runtimes: readonly string[]
  /** How it keeps images and containers, e.g. `overlay2`, `btrfs`. */
  readonly storageDriver: string
  /** The file system below it, as the engine calls it (`extfs`, `xfs`); undefined where it does not say. */
  readonly backingFilesystem: string | undefined
  /** Where; a path of its own machine. */
  readonly dataRoot: string
  /** Of its own machine: cores, memory, and the processor as Node calls it (`x64`, `arm64`). */
  readonly cpuCores: number
  readonly memoryMiB: number
  readonly cpuArch: string
}

/** Asks an engine, that of DOCKER_HOST unless told otherwise. ENGINE_UNKNOWN when it does not answer in time. */
export async function dockerFacts(
  timeoutMs: number,
  signal?: AbortSignal,
  docker: Docker = createDockerClient(),
): Promise<DockerFacts> {
  const options = { signal, timeoutMs }
  const [version, info] = await Promise.all([
    askDocker('tell its version', () => docker.version(), options),
    askDocker('describe itself', () => docker.info() as Promise<DockerInfo>, options),
  ])
  const limits = { memory: info.MemoryLimit, processes: info.PidsLimit, cpu: info.CpuCfsQuota }
  const runtimes = Object.keys(info.Runtimes ?? {}).toSorted()
  return {
    version: version.Version,
    apiVersion: version.ApiVersion,
    recent: compareVersions(version.ApiVersion, MIN_DOCKER_API) >= 0,
    gpus: runtimes.includes('nvidia') ? 'toolkit' : hasNvidiaCdi(info) ? 'cdi' : undefined,
    unlimited: Object.entries(limits).flatMap(([name, works]) => (works === false ? [name] : [])),
    runtimes,
    storageDriver: info.Driver ?? '',
    backingFilesystem: info.DriverStatus?.find(([name]) => name === 'Backing Filesystem')?.[1],
    dataRoot: info.DockerRootDir ?? '/var/lib/docker',
    cpuCores: info.NCPU ?? 0,
    memoryMiB: Math.floor((info.MemTotal ?? 0) / MiB),
    cpuArch: ARCHITECTURES[info.Architecture ?? ''] ?? info.Architecture ?? 'unknown',
  }
}

/** From what uname calls it. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'x64', aarch64: 'arm64' }

interface DockerInfo {
  readonly NCPU?: number
  readonly MemTotal?: number
  readonly Architecture?: string
  readonly MemoryLimit?: boolean
  readonly PidsLimit?: boolean
  readonly CpuCfsQuota?: boolean
  readonly Runtimes?: Readonly<Record<string, unknown>>
  readonly Driver?: string
  readonly DriverStatus?: readonly (readonly [name: string, value: string])[] | null
  readonly DockerRootDir?: string
  /** Docker 28.2 and newer. */
  readonly DiscoveredDevices?: readonly { readonly ID?: string }[] | null
}

const hasNvidiaCdi = ({ DiscoveredDevices }: DockerInfo): boolean =>
  (DiscoveredDevices ?? []).some(({ ID = '' }) => ID.startsWith('nvidia.com/gpu'))
