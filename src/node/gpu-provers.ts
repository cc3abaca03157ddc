import { messageOf } from '../errors.ts'
import type { ProofSizes } from '../gpu/backend.ts'
import { smallerSizes } from '../gpu/choose-sizes.ts'
import type { ProofPlan, ProofPlans } from '../gpu/plan-proofs.ts'
import { isOutOfMemory, type Prover } from '../gpu/prover.ts'
import { createProver } from '../gpu/prover-process.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import type { Core } from './core.ts'

/** What proves this machine's devices: a backend, sizes and a process for each that has one. */
export interface GpuProvers {
  /** How a device proves, or why it does not; undefined for one that was not here at the start. */
  planOf(gpu: string): ProofPlan | undefined
  /** Its process starts at the first call and ends with the node, or when it is released. */
  proverOf(gpu: string): Prover | undefined
  /** The sizes a device announces; undefined for one that does not prove. */
  sizesOf(gpu: string): ProofSizes | undefined
  /** Finds the largest sizes that its memory has room for, which are what it announces from then on. */
  shrink(gpu: string): Promise<void>
  /** Calls back when sizes change, until `signal` aborts. */
  onChange(listener: () => void, signal: AbortSignal): void
}

interface Needs {
  readonly core: Pick<Core, 'net' | 'log' | 'events'>
  readonly plans: ProofPlans
  /** Makes the process of a device; tests pass their own. */
  readonly create?: typeof createProver
}

/** One prover for each device that has a backend; they end with `stack`. */
export function createGpuProvers(
  { core, plans, create = createProver }: Needs,
  stack: AsyncDisposableStack,
): GpuProvers {
  const { net, log, events } = core
  const { minN } = slotNetworks[net.network].gemm
  const known = new Map(plans)
  const provers = new Map<string, Prover>()
  const listeners = new Set<() => void>()
  for (const [gpu, plan] of plans) {
    if ('refusal' in plan) {
      log.warn('gpu-proves-nothing', { gpu, reason: plan.refusal, next: plan.next })
    } else {
      provers.set(gpu, stack.use(create(plan.device, log.child('prover'))))
      const { device, sizes } = plan
      log.info('gpu-proves', { gpu, backend: device.backend, ...sizes })
    }
  }

  const sizesOf = (gpu: string): ProofSizes | undefined => {
    const plan = known.get(gpu)
    return plan === undefined || 'refusal' in plan ? undefined : plan.sizes
  }

  function change(gpu: string, plan: ProofPlan): void {
    known.set(gpu, plan)
    for (const listener of listeners) listener()
  }

  /** The sizes after these that the device takes; undefined when there are none. */
  async function fitting(prover: Prover, tooLarge: ProofSizes): Promise<ProofSizes | undefined> {
    for (
      let sizes = smallerSizes(tooLarge, minN);
      sizes !== undefined;
      sizes = smallerSizes(sizes, minN)
    ) {
      try {
        await prover.prepare(sizes)
        return sizes
      } catch (error) {
        if (!isOutOfMemory(error)) throw error
        log.debug('sizes-too-large', { ...sizes, reason: messageOf(error) })
      }
    }
    return undefined
  }

  return {
    planOf: (gpu) => known.get(gpu),
    proverOf: (gpu) => provers.get(gpu),
    sizesOf,
    async shrink(gpu) {
      const [plan, prover] = [known.get(gpu), provers.get(gpu)]
      if (plan === undefined || 'refusal' in plan || prover === undefined) return
      const before = plan.sizes
      const sizes = await fitting(prover, before)
      if (sizes === undefined) {
        const refusal = 'no memory is left for the smallest proof'
        log.warn('gpu-proves-nothing', { gpu, reason: refusal })
        return change(gpu, { refusal, next: 'close what else uses the GPU, and restart the node' })
      }
      log.warn('gpu-proves-less', { gpu, ...sizes, before: before.bytes })
      events.emit('gpu-proves-less', { gpu, ...sizes })
      change(gpu, { ...plan, sizes })
    },
    onChange(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}
