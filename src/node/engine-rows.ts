import { dockerAddress } from '../containers/docker-address.ts'
import { NodeError } from '../errors.ts'
import type { HostBook } from './leases/host-book.ts'
import type { Machine } from './machine.ts'

/** How a miner stands with one of its engines: `away` is unknown, what `refuses` answers and takes no new lease. */
export const engineStates = ['answers', 'away', 'refuses', 'absent'] as const

/** One of a miner's engines, as `status` shows it. */
export interface EngineRow {
  /** `default` where its owner named none. */
  readonly name: string
  readonly url: string
  /** Null until it has answered. */
  readonly version: string | null
  /** The ids of the devices on it, as offers name them. */
  readonly gpus: readonly string[]
  readonly runtimes: readonly string[]
  /** Whether this node proves its devices. */
  readonly proven: boolean
  readonly state: (typeof engineStates)[number]
  /** Why it takes no new lease; null when it does. */
  readonly reason: string | null
}

/** A miner's engines, in the order of its configuration. */
export const engineRows = (book: HostBook, machine: Machine): EngineRow[] =>
  book.engines.all.map(({ name, engine, isProven }) => {
    const named = machine.engines?.find((one) => one.name === name)
    const fault = engine instanceof NodeError ? engine : book.engineFaults.get(name)
    const facts = engine instanceof NodeError ? undefined : engine.facts
    return {
      name: name ?? 'default',
      url: named?.url ?? (machine.engine === 'process' ? 'process' : dockerAddress()),
      version: facts?.version ?? null,
      gpus: (named ?? machine).devices.map(({ id }) => id),
      runtimes: facts?.runtimes ?? [],
      proven: isProven,
      state: stateOf(engine, fault),
      reason: fault?.message ?? null,
    }
  })

function stateOf(engine: unknown, fault: NodeError | undefined): EngineRow['state'] {
  if (engine instanceof NodeError) return 'absent'
  if (fault === undefined) return 'answers'
  return fault.code === 'ENGINE_UNKNOWN' ? 'away' : 'refuses'
}
