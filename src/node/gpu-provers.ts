import type { ProofSizes } from '../gpu/backend.ts'
import { fitSizes } from '../gpu/fit-sizes.ts'
import type { ProofPlan, ProofPlans } from '../gpu/plan-proofs.ts'
import type { Prover } from '../gpu/prover.ts'
import { createProver } from '../gpu/prover-process.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import type { Core } from './core.ts'

/** What proves this machine's devices: a backend, sizes and a process for each that has one. */
export interface GpuProvers {
  /** How a device proves, or why it does not; undefined for one that was not looked at yet. */
  planOf(gpu: string): ProofPlan | undefined
  /** Its process starts at the first call and ends with the node, or when it is released. */
  proverOf(gpu: string): Prover | undefined
  /** The sizes a device announces; undefined for one that does not prove. */
  sizesOf(gpu: string): ProofSizes | undefined
  /** Finds the largest sizes that its memory has room for, which are what it announces from then on. */
  shrink(gpu: string): Promise<void>
  /** Plans a device again that has nothing to prove it: its driver may be back. */
  replan(gpu: string): Promise<void>
  /** Calls back when sizes change, until `signal` aborts. */
  onChange(listener: () => void, signal: AbortSignal): void
}

interface Needs {
  readonly core: Pick<Core, 'net' | 'log' | 'events'>
  readonly plans: ProofPlans
  /** Plans anew what is here now. */
  readonly replan?: () => Promise<ProofPlans>
  /** Makes the process of a device; tests pass their own. */
  readonly create?: typeof createProver
}

/** One prover for each device that has a backend; they end with `stack`. */
export function createGpuProvers(
  { core, plans, replan, create = createProver }: Needs,
  stack: AsyncDisposableStack,
): GpuProvers {
  const { net, log, events } = core
  const { minN } = slotNetworks[net.network].gemm
  // What is planned later ends with the rest: the caller's stack is moved once the node stands.
  const own = stack.use(new AsyncDisposableStack())
  const known = new Map<string, ProofPlan>()
  const provers = new Map<string, Prover>()
  const listeners = new Set<() => void>()
  function take(gpu: string, plan: ProofPlan): void {
    known.set(gpu, plan)
    if ('refusal' in plan) {
      log.warn('gpu-proves-nothing', { gpu, reason: plan.refusal, next: plan.next })
    } else {
      provers.set(gpu, own.use(create(plan.device, log.child('prover'))))
      const { device, sizes } = plan
      log.info('gpu-proves', { gpu, backend: device.backend, ...sizes })
    }
  }
  for (const [gpu, plan] of plans) take(gpu, plan)

  const sizesOf = (gpu: string): ProofSizes | undefined => {
    const plan = known.get(gpu)
    return plan === undefined || 'refusal' in plan ? undefined : plan.sizes
  }

  function change(gpu: string, plan: ProofPlan): void {
    known.set(gpu, plan)
    for (const listener of listeners) listener()
  }

  return {
    planOf: (gpu) => known.get(gpu),
    proverOf: (gpu) => provers.get(gpu),
    sizesOf,
    async shrink(gpu) {
      const [plan, prover] = [known.get(gpu), provers.get(gpu)]
      if (plan === undefined || 'refusal' in plan || prover === undefined) return
      const before = plan.sizes
      const sizes = await fitSizes(prover, before, minN)
      if (sizes === undefined) {
        const refusal = 'no memory is left for the smallest proof'
        log.warn('gpu-proves-nothing', { gpu, reason: refusal })
        return change(gpu, { refusal, next: 'close what else uses the GPU, and restart the node' })
      }
      log.warn('gpu-proves-less', { gpu, ...sizes, before: before.bytes })
      events.emit('gpu-proves-less', { gpu, ...sizes })
      change(gpu, { ...plan, sizes })
    },
    async replan(gpu) {
      if (provers.has(gpu)) return
      const plan = (await replan?.())?.get(gpu)
      if (plan === undefined || own.disposed || provers.has(gpu)) return
      if ('refusal' in plan && known.has(gpu)) return
      take(gpu, plan)
      change(gpu, plan)
    },
    onChange(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}
