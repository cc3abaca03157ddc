import type { Engine } from '../containers/engine.ts'
import type { Device } from '../protocols/capability.ts'
import type { Offer } from '../protocols/offers.ts'
import type { EngineConfig } from './engine-options.ts'
import type { LeaseRoom } from './leases/host-engines.ts'
import type { EngineMachine } from './machine.ts'

/** What the node's own machine has for a lease. */
export interface Here {
  /** As offers tell of it: its memory is what a lease gets. */
  readonly host: Offer['host']
  readonly room: LeaseRoom
  /** The main memory of a lease on a machine with so much of it, and so many devices. */
  readonly memoryOf: (ramMiB: number, devices: number) => number
}

/** An engine that its owner named, as its offers tell of it; what is elsewhere is told as far as the engine itself knows. */
export function engineMachine(
  { name, url, tls, gpus }: EngineConfig,
  runs: Engine,
  { devices, here }: { readonly devices: () => readonly Device[]; readonly here: () => Here },
): EngineMachine {
  const isRemote = tls !== undefined
  const there = () => roomThere(here(), runs, devices().length)
  return {
    name,
    runs,
    url,
    isProven: !isRemote && gpus.length > 0,
    room: () => (isRemote ? there() : here().room),
    engine: runs.kind,
    get devices() {
      return devices()
    },
    get isolation() {
      return runs.facts === undefined ? undefined : { ...runs.isolation }
    },
    get host() {
      return isRemote ? hostThere(there(), runs) : here().host
    },
  }
}

/** A lease gets of that machine's memory what it would get of this one's. */
function roomThere({ room, memoryOf }: Here, { facts }: Engine, devices: number): LeaseRoom {
  if (facts === undefined) return room
  return {
    ...room,
    memoryMiB: memoryOf(facts.memoryMiB, devices),
    milliCpus: facts.cpuCores * 1000,
  }
}

/** What an engine tells of its machine; its line was not measured, nor its disk. */
function hostThere(room: LeaseRoom, { facts }: Engine): Offer['host'] {
  const { cpuArch = 'unknown', cpuCores = 0 } = facts ?? {}
  const { diskMiB = 0, memoryMiB } = room
  return { cpuName: 'unknown', cpuArch: cpuArch.slice(0, 16), cpuCores, ramMiB: memoryMiB, diskMiB }
}
