import type { HostConfig } from 'dockerode'
import { NodeError } from '../errors.ts'
import { type HardenedOptions, KEPT_CAPABILITIES, LABEL } from './hardened-spec.ts'
import { TOOLBOX_PATH } from './toolbox.ts'
import { isVolumeMount } from './volume-mount.ts'

type Judge = (value: unknown, host: HostConfig, nodeId: string | undefined) => boolean
type Mount = NonNullable<HostConfig['Mounts']>[number]

const isToolboxMount = ({ Type, Source, Target, ReadOnly, ...more }: Mount): boolean =>
  Type === 'volume' &&
  /^cn-toolbox-[0-9a-f]{12}$/.test(Source) &&
  Target === TOOLBOX_PATH &&
  ReadOnly === true &&
  Object.keys(more).length === 0

const equals =
  (...wanted: readonly unknown[]): Judge =>
  (value) =>
    wanted.some((one) => JSON.stringify(one) === JSON.stringify(value))
const positive: Judge = (value) => typeof value === 'number' && value > 0
const matches =
  (pattern: RegExp): Judge =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const anything: Judge = () => true

/** Networks: the leases' own, or that of a container by its id; never the host's. */
const NETWORK = /^(cn-leases|container:[0-9a-f]{12,64})$/
const TMPFS = /^rw,(exec,)?nosuid,nodev,size=\d+m$/
const GPU = /^(nvidia\.com\/gpu=)?(GPU|MIG)-[0-9A-Za-z/-]+$/

/** Every field of HostConfig that a lease may have, and what it may say. What is not here is refused. */
const hostFields: Readonly<Record<string, Judge>> = {
  NetworkMode: matches(NETWORK),
  Dns: anything,
  PublishAllPorts: equals(false),
  RestartPolicy: equals({ Name: 'no' }),
  AutoRemove: equals(false),
  Init: equals(true),
  Privileged: equals(false),
  CapDrop: equals(['ALL']),
  CapAdd: (value) =>
    Array.isArray(value) && value.every((name) => KEPT_CAPABILITIES.includes(name)),
  SecurityOpt: equals(['no-new-privileges:true']),
  IpcMode: equals('private'),
  CgroupnsMode: equals('private'),
  PidsLimit: (value) => positive(value, {}, undefined) && Number(value) <= 4096,
  Memory: positive,
  MemorySwap: (value, { Memory }) => value === Memory,
  ShmSize: positive,
  NanoCpus: positive,
  OomScoreAdj: (value) => typeof value === 'number' && value >= 0,
  Ulimits: anything,
  Tmpfs: (value) =>
    Object.entries(value as object).every(
      ([folder, how]) => folder.startsWith('/') && TMPFS.test(how),
    ),
  // The volume of the miner's own tools (toolbox-volume.ts), its renter's (volume-mount.ts), and nothing else.
  Mounts: (value, _, nodeId) =>
    (value as readonly Mount[]).every(
      (mount) => isToolboxMount(mount) || isVolumeMount(mount, nodeId),
    ) &&
    new Set((value as readonly Mount[]).map(({ Target }) => Target)).size ===
      (value as readonly Mount[]).length,
  LogConfig: (value) => (value as HostConfig['LogConfig'])?.Type === 'json-file',
  Runtime: matches(/^[A-Za-z0-9._-]+$/),
  StorageOpt: (value) =>
    Object.entries(value as object).every(([name, size]) => name === 'size' && /^\d+$/.test(size)),
  DeviceRequests: (value) =>
    (value as NonNullable<HostConfig['DeviceRequests']>).every(
      ({ Driver, Count, DeviceIDs = [] }) =>
        ['nvidia', 'cdi'].includes(Driver ?? '') &&
        Count === undefined &&
        DeviceIDs.length > 0 &&
        DeviceIDs.every((id) => GPU.test(id)),
    ),
}

/** Fields without which the engine's own default would be weaker than what a lease is promised. */
const required: readonly string[] = [
  'NetworkMode',
  'CapDrop',
  'SecurityOpt',
  'IpcMode',
  'CgroupnsMode',
  'PidsLimit',
  'Memory',
  'MemorySwap',
  'NanoCpus',
  'LogConfig',
]

const topFields: ReadonlySet<string> = new Set([
  'name',
  'Image',
  'Entrypoint',
  'Cmd',
  'Env',
  'Hostname',
  'Tty',
  'OpenStdin',
  'StdinOnce',
  'AttachStdin',
  'AttachStdout',
  'AttachStderr',
  'StopSignal',
  'Labels',
  'HostConfig',
])

/** Why a container of these options could reach beyond itself, or undefined when it cannot. */
export function flawInConfinement(options: HardenedOptions): string | undefined {
  const host = options.HostConfig as unknown as Readonly<Record<string, unknown>>
  const stray = Object.keys(options).find((field) => !topFields.has(field))
  if (stray !== undefined) return stray
  const nodeId = options.Labels?.[LABEL.node]
  const missing = required.find((field) => host[field] === undefined)
  if (missing !== undefined) return `no ${missing}`
  return Object.entries(host)
    .filter(([, value]) => value !== undefined)
    .map(([field]) => field)
    .find((field) => !(hostFields[field]?.(host[field], options.HostConfig, nodeId) ?? false))
}

/**
 * The last look before a container is created: nothing of the host is mounted, handed in or shared, whatever made
 * these options. Allows what is listed and refuses the rest, so that a field nobody thought of fails closed.
 * @throws ENGINE_UNCONFINED naming the field
 */
export function requireConfined(options: HardenedOptions): void {
  const flaw = flawInConfinement(options)
  if (flaw === undefined) return
  throw new NodeError('ENGINE_UNCONFINED', `a lease may not be created like this: ${flaw}`, {
    next: 'report this: a lease never asks for more than src/containers/confined.ts lists',
  })
}
