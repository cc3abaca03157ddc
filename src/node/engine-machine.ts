import type { Engine } from '../containers/engine.ts'
import type { Device } from '../protocols/capability.ts'
import type { Offer } from '../protocols/offers.ts'
import type { EngineConfig } from './engine-options.ts'
import type { LeaseRoom, SharedMachine } from './leases/lease-room.ts'
import type { EngineMachine } from './machine.ts'

/** What the node's own machine has for a lease. */
export interface Here {
  readonly host: Offer['host']
  /** What a lease of so many devices gets: of this machine, or of another one. */
  readonly room: (devices: number, machine?: SharedMachine) => LeaseRoom
}

/** An engine that its owner named, as its offers tell of it; what is elsewhere is told as far as the engine itself knows. */
export function engineMachine(
  { name, url, tls, gpus }: EngineConfig,
  runs: Engine,
  { devices, here }: { readonly devices: () => readonly Device[]; readonly here: () => Here },
): EngineMachine {
  const isRemote = tls !== undefined
  return {
    name,
    runs,
    url,
    isProven: !isRemote && gpus.length > 0,
    room: (leased) => here().room(leased, isRemote ? thereOf(runs, devices().length) : undefined),
    engine: runs.kind,
    get devices() {
      return devices()
    },
    get isolation() {
      return runs.facts === undefined ? undefined : { ...runs.isolation }
    },
    get host() {
      return isRemote ? hostThere(here(), runs) : here().host
    },
  }
}

/** What leases there share; undefined while it has not answered. */
function thereOf({ facts }: Engine, devices: number): SharedMachine | undefined {
  if (facts === undefined) return undefined
  return { ramMiB: facts.memoryMiB, cpuCores: facts.cpuCores, devices }
}

/** What an engine tells of its machine; its line was not measured, nor its disk. */
function hostThere({ host }: Here, { facts }: Engine): Offer['host'] {
  const { cpuArch = 'unknown', cpuCores = 0, memoryMiB = host.ramMiB } = facts ?? {}
  const { diskMiB } = host
  return { cpuName: 'unknown', cpuArch: cpuArch.slice(0, 16), cpuCores, ramMiB: memoryMiB, diskMiB }
}
