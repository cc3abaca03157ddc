import type { Engine } from '../../containers/engine.ts'
import { NodeError } from '../../errors.ts'
import type { LeaseRoom } from './lease-room.ts'

/** One of the engines that a miner's leases run in. */
export interface HostEngine {
  /** What its owner calls it, and what records of leases say; undefined: the one that was found by itself. */
  readonly name: string | undefined
  /** What runs containers, or the error that says why nothing does and what to install. */
  readonly engine: Engine | NodeError
  /** What a lease of so many devices there gets; what the miner gives everywhere without one. */
  readonly room?: ((devices: number) => LeaseRoom) | undefined
  /** Whether this node proves its devices, at least some of them; an engine elsewhere is its owner's word alone. */
  readonly isProven: boolean
}

/** The engines of one miner. A device is on one of them, so a lease, which is of one offer, is too. */
export interface HostEngines {
  readonly all: readonly HostEngine[]
  /** The one that a record names; one without a name is on the default engine. */
  named(name: string | undefined): HostEngine
  /** The one that has a device. */
  ofDevice(device: string): HostEngine
}

/** A miner with the one engine that was found, or the error that says why there is none. */
export function oneEngine(engine: Engine | NodeError): HostEngines {
  const only: HostEngine = { name: undefined, engine, isProven: true }
  return { all: [only], named: () => only, ofDevice: () => only }
}

/**
 * A miner whose owner named its engines. `byDefault` is where leases are whose records name none: those of a time before.
 * An engine that a record names and the owner does not any more is one that nothing is known of.
 */
export function namedEngines(
  all: readonly HostEngine[],
  byDefault: HostEngine,
  nameOf: (device: string) => string | undefined,
): HostEngines {
  const named = (name: string | undefined): HostEngine =>
    name === undefined ? byDefault : (all.find((one) => one.name === name) ?? forgotten(name))
  return {
    all,
    named,
    ofDevice(device) {
      const name = nameOf(device)
      return name === undefined ? nowhere(device) : named(name)
    },
  }
}

const forgotten = (name: string): HostEngine => ({
  name,
  engine: new NodeError('ENGINE_ABSENT', `no engine ${name} is configured any more`, {
    next: `put engine ${name} back into "engines" until its leases are over`,
  }),
  isProven: false,
})

const nowhere = (device: string): HostEngine => ({
  name: undefined,
  engine: new NodeError('ENGINE_ABSENT', `no engine that is configured has ${device}`, {
    next: 'name it in the "gpus" of one of "engines"',
  }),
  isProven: false,
})
