import type { ContainerCreateOptions, HostConfig } from 'dockerode'
import { MiB } from '../units.ts'
import type { ContainerSpec } from './engine.ts'
import { TOOLBOX_BUSYBOX, TOOLBOX_PATH, type ToolboxVolume } from './toolbox.ts'
import { volumeMount } from './volume-mount.ts'

/** What @types/dockerode 4.0.2 lacks of the engine's API. */
export interface HardenedHostConfig extends HostConfig {
  CgroupnsMode: 'private' | 'host'
}
export type HardenedOptions = ContainerCreateOptions & { HostConfig: HardenedHostConfig }

export interface HardeningOptions {
  readonly nodeId: string
  readonly network: string
  /** The container whose network it joins, prepared on `network` before. */
  readonly holder?: string | undefined
  /** What the miner runs inside for its tenant; mounted read-only. */
  readonly toolbox?: ToolboxVolume | undefined
  /** Must not exceed the engine's own limit, or starts fail. */
  readonly maxOpenFiles: number
  /** What runs it, e.g. `runc`; undefined: the engine's default. */
  readonly runtime?: string | undefined
  /** How the engine hands out GPUs. */
  readonly gpus?: 'toolkit' | 'cdi' | undefined
  /** What the engine's storage is told to hold it to, where it can. */
  readonly diskBytes?: number | undefined
  /** Folders that the image declares as volumes. */
  readonly imageVolumes?: readonly string[]
}

/** Labels by which a restarted node knows its own; they cannot change later (the newest expiry is in the name). */
export const LABEL = {
  managed: 'cn.managed',
  node: 'cn.node',
  lease: 'cn.lease',
  expires: 'cn.expires',
  idle: 'cn.idle',
  /** On a lease: the id of the container that holds its network. */
  joins: 'cn.joins',
  /** On such a container. */
  holder: 'cn.holder',
  /** On a lease: the tools that are mounted, separated by blanks. */
  tools: 'cn.tools',
  /** On a container that fills the volume of these tools. */
  filler: 'cn.filler',
  /** On a lease whose image came with its renter's credentials: the image goes with the lease. */
  privateImage: 'cn.private-image',
  /** On a volume of a renter: its id. */
  volume: 'cn.volume',
  /** On the image of a snapshot under way: the node that made it. */
  snapshot: 'cn.snapshot',
} as const

/**
 * Enough for sshd, rsync, package managers and changing user inside. Not NET_RAW (spoofing), not SYS_PTRACE, not
 * MKNOD: notes/containers.md §3.
 */
export const KEPT_CAPABILITIES: readonly string[] = [
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'NET_BIND_SERVICE',
  'SETGID',
  'SETUID',
  'SYS_CHROOT',
]

/** A private resolver would be dialled from the lease's network, and is closed with everything private. */
export const RESOLVERS: readonly string[] = ['1.1.1.1', '9.9.9.9']

export const HOSTNAME = 'lease'

export const MAX_PROCESSES = 512

/** Some shells read `infinity` as an error; this is the largest count that all read. */
const IDLE = ['sleep', '2147483647']

/** With the toolbox an image needs no `sleep` of its own. */
const idling = ({ toolbox }: HardeningOptions): string[] =>
  toolbox === undefined ? IDLE : [TOOLBOX_BUSYBOX, ...IDLE]

/**
 * `cn-LEASE`: the engine refuses a second container for a lease. A later expiry is appended, because a name can
 * change while labels cannot.
 */
export const containerName = (leaseId: string, extendedToMs?: number): string =>
  extendedToMs === undefined ? `cn-${leaseId}` : `cn-${leaseId}-x${extendedToMs}`

/** The later expiry in a container's name, or undefined when it was never extended. */
export function expiryInName(name: string): number | undefined {
  const found = /^\/?cn-[0-9a-zA-Z]+-x(\d{1,16})$/.exec(name)
  return found === null ? undefined : Number(found[1])
}

/** What the engine is asked to create for a lease: the whole of a tenant's confinement in one value. */
export function hardenedSpec(spec: ContainerSpec, options: HardeningOptions): HardenedOptions {
  const idle = spec.command === undefined
  return {
    name: containerName(spec.leaseId),
    Image: spec.image,
    // An image's entrypoint runs for a command, as with `docker run`; to idle it must not.
    ...(idle ? { Entrypoint: [], Cmd: idling(options) } : { Cmd: [...spec.command] }),
    Env: Object.entries({ ...spec.env, NVIDIA_VISIBLE_DEVICES: visibleGpus(spec) }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    ...(options.holder === undefined ? { Hostname: HOSTNAME } : {}), // the holder's otherwise
    Tty: false,
    // The main command's streams are attached before it starts; its stdin ends when the renter's does.
    OpenStdin: !idle,
    StdinOnce: !idle,
    AttachStdin: !idle,
    AttachStdout: !idle,
    AttachStderr: !idle,
    StopSignal: 'SIGTERM',
    Labels: {
      [LABEL.managed]: '1',
      [LABEL.node]: options.nodeId,
      [LABEL.lease]: spec.leaseId,
      [LABEL.expires]: String(spec.expiresAtMs),
      ...(idle ? { [LABEL.idle]: '1' } : {}),
      ...(options.holder === undefined ? {} : { [LABEL.joins]: options.holder }),
      ...(options.toolbox === undefined ? {} : { [LABEL.tools]: options.toolbox.tools.join(' ') }),
      ...(spec.privateImage === true ? { [LABEL.privateImage]: '1' } : {}),
    },
    HostConfig: hostConfig(spec, options),
  }
}

function hostConfig(spec: ContainerSpec, options: HardeningOptions): HardenedHostConfig {
  const memoryBytes = spec.memoryMiB * MiB
  return {
    ...(options.holder === undefined
      ? { NetworkMode: options.network, Dns: [...RESOLVERS] }
      : { NetworkMode: `container:${options.holder}` }),
    PublishAllPorts: false,
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
    Init: true,
    Privileged: false,
    CapDrop: ['ALL'],
    CapAdd: [...KEPT_CAPABILITIES],
    // No seccomp entry: the engine's default profile applies.
    SecurityOpt: ['no-new-privileges:true'],
    IpcMode: 'private',
    CgroupnsMode: 'private',
    PidsLimit: MAX_PROCESSES,
    Memory: memoryBytes,
    MemorySwap: memoryBytes, // the same figure: no swap on top
    ShmSize: Math.min(Math.floor(memoryBytes / 2), 64 * 1024 * MiB),
    NanoCpus: Math.round(spec.cpus * 1e9),
    OomScoreAdj: 500, // the host's own processes survive a tenant's appetite
    Ulimits: [
      { Name: 'nofile', Soft: options.maxOpenFiles, Hard: options.maxOpenFiles },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    ...mounts(spec, options),
    Tmpfs: tmpfs(memoryBytes, foldersInMemory(spec, options)),
    LogConfig: { Type: 'json-file', Config: { 'max-size': '5m', 'max-file': '2' } },
    ...(options.runtime === undefined ? {} : { Runtime: options.runtime }),
    ...(options.diskBytes === undefined ? {} : { StorageOpt: { size: String(options.diskBytes) } }),
    ...gpuRequest(spec.gpuUuids ?? [], options.gpus),
  }
}

/** The miner's tools, and what of its renter outlives the lease. */
function mounts(
  { volumes = [] }: ContainerSpec,
  { toolbox, nodeId }: HardeningOptions,
): Pick<HostConfig, 'Mounts'> {
  const all = [
    ...(toolbox === undefined ? [] : [toolboxMount(toolbox)]),
    ...volumes.map((volume) => volumeMount(nodeId, volume)),
  ]
  return all.length === 0 ? {} : { Mounts: all }
}

/** Where the renter mounts a volume of its own, the image's is not needed. */
const foldersInMemory = (
  { volumes = [] }: ContainerSpec,
  { imageVolumes = [] }: HardeningOptions,
) => imageVolumes.filter((folder) => !volumes.some(({ path }) => path === folder))

/** The same for all leases, so none may write to it. */
const toolboxMount = ({ name }: ToolboxVolume): NonNullable<HostConfig['Mounts']>[number] => ({
  Type: 'volume',
  Source: name,
  Target: TOOLBOX_PATH,
  ReadOnly: true,
})

/**
 * NVIDIA's runtime, where it is an engine's default, obeys this variable, and images set it to `all`: without our own
 * value a tenant would get GPUs of others. `void`: none, and nothing of the driver.
 */
const visibleGpus = ({ gpuUuids = [] }: ContainerSpec): string =>
  gpuUuids.length === 0 ? 'void' : gpuUuids.join(',')

/**
 * A volume that an image declares would be a folder of the host that no quota holds and nobody measures; in memory it
 * counts as the lease's own.
 */
function tmpfs(memoryBytes: number, imageVolumes: readonly string[]): Record<string, string> {
  const sizeMiB = Math.max(1, Math.floor(memoryBytes / 2 / MiB))
  const volume = `rw,exec,nosuid,nodev,size=${sizeMiB}m`
  return {
    ...Object.fromEntries(imageVolumes.map((folder) => [folder, volume])),
    '/run': 'rw,nosuid,nodev,size=16m',
  }
}

/** By UUID (of a GPU or a MIG slice), because indices move when a card fails; DeviceIDs and Count exclude each other. */
function gpuRequest(
  uuids: readonly string[],
  by: HardeningOptions['gpus'],
): Pick<HostConfig, 'DeviceRequests'> {
  if (uuids.length === 0) return {}
  const request =
    by === 'cdi'
      ? { Driver: 'cdi', DeviceIDs: uuids.map((uuid) => `nvidia.com/gpu=${uuid}`) }
      : {
          Driver: 'nvidia',
          DeviceIDs: [...uuids],
          Capabilities: [['gpu', 'compute', 'utility']],
          Options: {},
        }
  return { DeviceRequests: [request] }
}
