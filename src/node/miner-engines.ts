import { dockerAddress } from '../containers/docker-address.ts'
import { readDockerTls } from '../containers/docker-tls.ts'
import { NodeError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Device } from '../protocols/capability.ts'
import type { Core } from './core.ts'
import { engineMachine, type Here } from './engine-machine.ts'
import type { EngineConfig } from './engine-options.ts'
import { farDevicesOf } from './far-devices.ts'
import {
  type HostEngine,
  type HostEngines,
  namedEngines,
  oneEngine,
} from './leases/host-engines.ts'
import type { EngineMachine } from './machine.ts'
import { type EngineNeeds, findEngine, nameEngine } from './open-engine.ts'

/** The engines of a miner, and what of its devices is on which. */
export interface MinerEngines {
  readonly hosts: HostEngines
  /** What each offers; undefined where its owner named none, and the one that was found has everything. */
  readonly machines: readonly EngineMachine[] | undefined
  /** Devices of engines that this machine's drivers do not show. */
  readonly farDevices: readonly string[]
  /** The engine that has a device, by name; undefined where its owner named none. */
  readonly nameOf: (device: string) => string | undefined
  /** The engine's own name of a device that this machine's drivers do not show. */
  readonly farUuid: (device: string) => string | undefined
}

/** The name of no engine: what is on it proves, and is not offered. */
export const NO_ENGINE = ''

interface Needs extends EngineNeeds {
  /** The devices that this machine's drivers show; more may come. */
  readonly gpus: readonly Gpu[]
  /** The same as they are offered. */
  readonly devices: () => readonly Device[]
  /** What this machine has, and what a lease on it gets. */
  readonly here: () => Here
}

/**
 * Finds the engine of this machine, or gets at those that the owner named; the latter may answer later. What is opened
 * ends with `stack`.
 * @throws BAD_CONFIG_ENGINE for what no engine could be spoken to with
 */
export async function openEngines(
  needs: Needs,
  stack: AsyncDisposableStack,
): Promise<MinerEngines> {
  const { engines } = needs.core.config
  if (engines.length > 0) return openNamed(needs, engines, stack)
  const engine = await findEngine(needs)
  if (!(engine instanceof NodeError)) stack.defer(() => engine.close())
  const none = () => undefined
  return {
    hosts: oneEngine(engine),
    machines: undefined,
    farDevices: [],
    nameOf: none,
    farUuid: none,
  }
}

async function openNamed(
  needs: Needs,
  engines: readonly EngineConfig[],
  stack: AsyncDisposableStack,
): Promise<MinerEngines> {
  const { core, gpus } = needs
  requireDocker(core)
  requireOnce(engines, gpus)
  for (const { tls } of engines) if (tls !== undefined) await readDockerTls(tls)
  const far = new Map(
    engines.flatMap((engine) => farDevicesOf(core.net, engine).map((one) => [one.device.id, one])),
  )
  const uuidOf = (device: string) => gpus.find(({ id }) => id === device)?.uuid
  const nameOf = (device: string): string =>
    far.get(device)?.engine ?? localEngineOf(engines, uuidOf(device)) ?? NO_ENGINE
  const devicesOf = (name: string): Device[] =>
    [...needs.devices(), ...[...far.values()].map(({ device }) => device)].filter(
      ({ id }) => nameOf(id) === name,
    )
  const machines = engines.map((config) => {
    const engine = nameEngine(needs, config)
    stack.defer(() => engine.close())
    const devices = () => devicesOf(config.name)
    return engineMachine(config, engine, { devices, here: needs.here })
  })
  return {
    hosts: hostsOf(machines, nameOf),
    machines,
    farDevices: [...far.keys()],
    nameOf,
    farUuid: (device) => far.get(device)?.uuid,
  }
}

/** Before engines were named, leases were on the one that DOCKER_HOST led to. */
function hostsOf(
  machines: readonly EngineMachine[],
  nameOf: (device: string) => string,
): HostEngines {
  const all = machines.map(
    ({ name, runs, room, isProven }): HostEngine => ({ name, engine: runs, room, isProven }),
  )
  const usual = machines.findIndex(({ url }) => url === dockerAddress())
  return namedEngines(all, all[Math.max(0, usual)]!, nameOf)
}

function requireDocker({ config }: Core): void {
  if (config.engine !== 'process') return
  throw new NodeError('BAD_CONFIG_ENGINE', '--engine process has no use for "engines"', {
    next: 'leave one of both out',
  })
}

/** One that is said to be elsewhere and shows here would be let twice. */
function requireOnce(engines: readonly EngineConfig[], gpus: readonly Gpu[]): void {
  for (const { name, tls, gpus: named } of engines) {
    if (tls === undefined || named === 'all') continue
    const here = named.find(({ uuid }) => gpus.some((gpu) => gpu.uuid === uuid))
    if (here === undefined) continue
    throw new NodeError(
      'BAD_CONFIG_ENGINE',
      `engine ${name} is reached over the network, and its ${here.uuid} is in this machine`,
      { next: 'name the socket of this machine (unix:///…) as the engine that has it' },
    )
  }
}

/** The engine of this machine that has a device of its own drivers. */
const localEngineOf = (
  engines: readonly EngineConfig[],
  uuid: string | undefined,
): string | undefined => {
  const local = engines.filter(({ tls }) => tls === undefined)
  const naming = local.find(
    ({ gpus }) => gpus !== 'all' && gpus.some((gpu) => uuid !== undefined && gpu.uuid === uuid),
  )
  return (naming ?? local.find(({ gpus }) => gpus === 'all'))?.name
}
