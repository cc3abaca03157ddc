import { minutesMs } from '../units.ts'
import type { Core } from './core.ts'
import type { Finding } from './doctor/finding.ts'
import { preflightGpu } from './doctor/preflight-gpu.ts'
import type { GpuProvers } from './gpu-provers.ts'
import type { Bar } from './leases/capacity.ts'
import { barFor, type GpuStanding } from './own-gpus.ts'

/** Which devices of a miner passed what must hold before they are announced. */
export interface Preflight {
  /** What keeps a device from being announced: it was not checked yet, or a required check failed. */
  barOf(gpu: string): Bar | undefined
  /** The newest findings of every device that was checked. */
  findings(): readonly Finding[]
  /** A device that came after the start is planned and checked as all others; nothing happens when it is known. */
  add(gpu: string): void
  /** A device that was lost is planned and checked again before it is announced. */
  reset(gpu: string): void
  /** Checks what is due among devices that may work; resolves when that is done. */
  look(standings: readonly GpuStanding[]): Promise<void>
  /** Calls back after every check, which ends when all listeners are done, until `signal` aborts. */
  onChange(listener: () => Promise<void>, signal: AbortSignal): void
}

interface Needs {
  readonly core: Pick<Core, 'net' | 'log' | 'events' | 'nowMs'>
  readonly provers: GpuProvers
  /** The devices of this machine at its start. */
  readonly gpus: readonly string[]
  /** How one device is checked; tests pass their own. */
  readonly check?: typeof preflightGpu
}

interface State {
  isChecking: boolean
  /** What drives it may have changed. */
  plansAgain: boolean
  /** When it is to be checked; undefined when it passed. */
  dueMs: number | undefined
  failure: Finding | undefined
  findings: readonly Finding[]
}

/** What failed may be mended while the node runs: memory that others give back, a driver that is updated. */
const AGAIN_MS = minutesMs(5)

const fresh = (plansAgain: boolean): State => ({
  isChecking: false,
  plansAgain,
  dueMs: 0,
  failure: undefined,
  findings: [],
})

export function createPreflight({ core, provers, gpus, check = preflightGpu }: Needs): Preflight {
  const { net, log, events, nowMs } = core
  const states = new Map(gpus.map((gpu) => [gpu, fresh(false)]))
  const listeners = new Set<() => Promise<void>>()

  async function checkOne({ sample }: GpuStanding, state: State): Promise<void> {
    const { id: gpu, name } = sample.gpu
    state.isChecking = true
    try {
      if (state.plansAgain) await provers.replan(gpu)
      state.plansAgain = true
      const [plan, prover] = [provers.planOf(gpu), provers.proverOf(gpu)]
      const shrink = async () => {
        await provers.shrink(gpu)
        return provers.sizesOf(gpu)
      }
      const found = await check({ sample, plan, prover, network: net.network, shrink })
      if (states.get(gpu) !== state) return // it was lost meanwhile
      state.findings = found
      state.failure = found.find(({ ok, required }) => required && !ok)
      state.dueMs = state.failure === undefined ? undefined : nowMs() + AGAIN_MS
      if (state.failure === undefined) {
        log.info('preflight-passed', { gpu, name })
        events.emit('preflight-passed', { gpu, name })
      } else {
        const { check: failed, actual: reason, remedy: next } = state.failure
        log.warn('preflight-failed', { gpu, name, check: failed, reason, next })
        events.emit('preflight-failed', { gpu, name, check: failed, reason })
        await prover?.release()
      }
    } catch (error) {
      log.error('preflight-broken', error, { gpu })
      state.dueMs = nowMs() + AGAIN_MS
    } finally {
      state.isChecking = false
      await Promise.all([...listeners].map((listener) => listener()))
    }
  }

  return {
    barOf(gpu) {
      const state = states.get(gpu)
      if (state === undefined || state.dueMs === undefined) return undefined
      // What nothing drives has nothing to pass: it is offered, and proves nothing. Of one that is planned anew nobody
      // knows that yet.
      const isPlanned = !state.plansAgain || state.findings.length > 0
      if (isPlanned && provers.proverOf(gpu) === undefined) return undefined
      const { failure } = state
      const reason = failure === undefined ? 'it is checked before it is announced' : failure.actual
      return { kind: 'unfit', reason }
    },
    findings: () => [...states.values()].flatMap(({ findings }) => findings),
    add(gpu) {
      if (!states.has(gpu)) states.set(gpu, fresh(true))
    },
    reset(gpu) {
      if (states.has(gpu)) states.set(gpu, fresh(true))
    },
    async look(standings) {
      const due = standings.flatMap((standing) => {
        const state = states.get(standing.sample.gpu.id)
        if (state?.dueMs === undefined || state.isChecking || barFor(standing) !== undefined) {
          return []
        }
        return nowMs() < state.dueMs ? [] : [{ standing, state }]
      })
      await Promise.all(due.map(({ standing, state }) => checkOne(standing, state)))
    },
    onChange(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}
