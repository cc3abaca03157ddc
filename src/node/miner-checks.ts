import { NodeError } from '../errors.ts'
import type { Core } from './core.ts'
import type { Finding } from './doctor/finding.ts'
import { checkMiner } from './doctor/miner-checks.ts'

/** What a running miner's machine lacks besides its devices: clock, pulses, disk, container engine, firewall, ports. */
export interface MinerChecks {
  /** Looks at all of it; what is newly lacking is a warning in the log, with the remedy. */
  look(signal: AbortSignal): Promise<void>
  /** What was found at the last look. */
  findings(): readonly Finding[]
  /** What a miner cannot start with; undefined for nothing. */
  fatal(): NodeError | undefined
}

interface Needs {
  readonly core: Pick<Core, 'config' | 'log'>
  /** How it is looked; tests pass their own. */
  readonly check?: typeof checkMiner
}

export function createMinerChecks({ core, check = checkMiner }: Needs): MinerChecks {
  const { config, log } = core
  let found: readonly Finding[] = []
  return {
    async look(signal) {
      const before = new Set(found.filter(({ ok }) => !ok).map(({ check: name }) => name))
      found = await check(config, signal)
      for (const { check: name, ok, actual, remedy } of found) {
        if (ok || before.has(name)) continue
        log.warn('machine-lacks', { check: name, reason: actual, next: remedy ?? undefined })
      }
    },
    findings: () => found,
    fatal() {
      const broken = found.find(({ check: name, ok, required }) => !ok && required && isFatal(name))
      if (broken === undefined) return undefined
      const { check: name, actual, wanted, remedy } = broken
      const next = remedy ?? 'see compute-node doctor'
      return new NodeError(codeFor(name), `${name}: ${actual}; a miner needs ${wanted}`, { next })
    },
  }
}

/**
 * Without disk a miner loses what it must keep (leases, receipts, sequences), and where it cannot listen nobody reaches
 * it. All else costs only what its line says: without a container engine it still proves, with a wrong clock it earns
 * less, and drivers were asked before.
 */
const isFatal = (name: string): boolean => name === 'disk' || name.startsWith('port-')

const codeFor = (name: string) => (name === 'disk' ? 'STORE_NO_SPACE' : 'BAD_CONFIG_LISTEN')
