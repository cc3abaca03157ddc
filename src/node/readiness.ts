import { NodeError } from '../errors.ts'
import type { ReadinessCheck } from '../metrics.ts'
import { minutesMs, secondsMs } from '../units.ts'
import type { ChainLink } from './chain-link.ts'
import type { Core } from './core.ts'
import type { HostBook } from './leases/host-book.ts'

/** Whether a node can do its work now, and by name what it lacks. */
export interface Readiness {
  /** What is needed here, each with what of it is missing: nothing, `chain`, or an engine's name. */
  checks(): ReadonlyMap<ReadinessCheck, readonly string[]>
}

export interface ReadinessNeeds {
  readonly core: Pick<Core, 'net' | 'nowMs' | 'events'>
  /** Undefined for a node that asks no chain. */
  readonly chainLink: Pick<ChainLink, 'current'> | undefined
  /** Undefined for a node that hosts nothing. */
  readonly hosting: Pick<HostBook, 'engines' | 'engineFaults'> | undefined
}

/** A chain is read every 2 s on a local network, else every 20 s, with each final block of 12 s: several were missed. */
const CHAIN_STALE_MS = {
  local: secondsMs(20),
  test: minutesMs(3),
  finney: minutesMs(3),
} as const

/** Follows what a node needs until `signal` aborts. Its services are started before anybody can ask. */
export function createReadiness(
  { core, chainLink, hosting }: ReadinessNeeds,
  signal: AbortSignal,
): Readiness {
  const { net, nowMs, events } = core
  let readAtMs = Number.NEGATIVE_INFINITY
  events.subscribe(({ event, atMs }) => {
    if (event === 'chain-read') readAtMs = atMs
  }, signal)

  function missingChain(): readonly string[] {
    const isFollowed =
      chainLink?.current() !== undefined && nowMs() - readAtMs < CHAIN_STALE_MS[net.network]
    return isFollowed ? [] : ['chain']
  }

  return {
    checks() {
      const checks = new Map<ReadinessCheck, readonly string[]>([['services', []]])
      if (chainLink !== undefined) checks.set('chain', missingChain())
      if (hosting !== undefined) checks.set('engine', missingEngines(hosting))
      return checks
    },
  }
}

/** Engines that do not answer, or take no lease for another reason. */
const missingEngines = ({ engines, engineFaults }: NonNullable<ReadinessNeeds['hosting']>) =>
  engines.all
    .filter(({ name, engine }) => engine instanceof NodeError || engineFaults.has(name))
    .map(({ name }) => (name === undefined ? 'engine' : `engine ${name}`))

/** Everything that is missing, by name; empty when the node is ready. */
export const reasonsOf = (readiness: Readiness): string[] => [...readiness.checks().values()].flat()
