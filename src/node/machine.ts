import { statfs } from 'node:fs/promises'
import { arch, availableParallelism, cpus, totalmem } from 'node:os'
import type { Engine } from '../containers/engine.ts'
import type { Binding, Device } from '../protocols/capability.ts'
import type { Isolation } from '../protocols/isolation.ts'
import type { Offer } from '../protocols/offers.ts'
import { MiB } from '../units.ts'
import type { Core } from './core.ts'
import type { DeviceModes } from './device-modes.ts'
import type { Capacity } from './leases/capacity.ts'
import type { LeaseRoom } from './leases/lease-room.ts'
import { measuredInet } from './measured-inet.ts'

/** What a miner's machine has: its devices, what else comes with them, and what of it is free. */
export interface Machine {
  readonly devices: readonly Device[]
  /** How its devices prove: `cuda`, `webgpu`, `cpu` or `none`; the first one's where they differ. */
  readonly backend: string
  /** What its leases run in: `docker`, `process` or `none`. */
  readonly engine: string
  /** What holds a tenant now; undefined where nothing runs leases. */
  readonly isolation?: Isolation | undefined
  readonly host: Offer['host']
  /** What a lease of so many devices gets of `host`; undefined: all of it. */
  readonly room?: ((devices: number) => LeaseRoom) | undefined
  /** Calls back when the sizes that devices prove with change, or the fills they hold, until `signal` aborts. */
  readonly onProofs?: (listener: () => void, signal: AbortSignal) => void
  /** Each engine that its owner named, with what is on it; without one, all of this is on the one that was found. */
  readonly engines?: readonly EngineMachine[] | undefined
  /** Devices that no lease holds and that may work; everything is free without it. */
  readonly capacity?: Pick<Capacity, 'all' | 'free' | 'barOf' | 'shutOf' | 'holderOf' | 'onChange'>
  /** In which mode each device proves, and whether it may be announced; all are idle without it. */
  readonly modes?: DeviceModes
  /** The hotkey's consent, once there is one. */
  readonly binding?: () => Binding | undefined
  /** What takes its place once the hotkey commits to it. */
  readonly nextBinding?: () => Binding | undefined
}

/** One of a miner's engines that its owner named, and what is offered on it. */
export interface EngineMachine {
  readonly name: string
  readonly url: string
  readonly runs: Engine
  /** Those of it that this machine's drivers show, and those that are its owner's word. */
  readonly devices: readonly Device[]
  readonly engine: string
  /** Undefined until it has answered. */
  readonly isolation?: Isolation | undefined
  readonly host: Offer['host']
  /** What a lease of so many devices gets of it. */
  readonly room: (devices: number) => LeaseRoom
  /** Whether this node proves its devices; those of an engine elsewhere it cannot. */
  readonly isProven: boolean
}

/** The processor, memory and disk of this machine, and its line as `gpu bench` measured it. */
export async function detectHost(dataDir: string): Promise<Offer['host']> {
  const disk = await statfs(dataDir)
  return {
    cpuName: (cpus()[0]?.model ?? 'unknown')
      .replace(/[\p{Cc}]/gu, ' ')
      .trim()
      .slice(0, 96),
    cpuArch: arch(),
    cpuCores: availableParallelism(),
    ramMiB: Math.floor(totalmem() / MiB),
    diskMiB: Math.floor((disk.bavail * disk.bsize) / MiB),
    ...(await measuredInet(dataDir, Date.now())),
  }
}

/** What a validator announces: no device, only whose it is. Undefined for a node that is nobody's. */
export async function boundMachine(
  { config }: Pick<Core, 'config'>,
  binding: Pick<Machine, 'binding' | 'nextBinding'>,
): Promise<Machine | undefined> {
  if (!config.roles.includes('validator')) return undefined
  return {
    devices: [],
    backend: 'none',
    engine: 'none',
    host: await detectHost(config.dataDir),
    ...binding,
  }
}
