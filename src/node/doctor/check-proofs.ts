import { messageOf } from '../../errors.ts'
import type { ProofPlan } from '../../gpu/plan-proofs.ts'
import { MiB } from '../../units.ts'
import type { Config } from '../config.ts'
import { ownDevices } from '../own-devices.ts'
import { type Finding, finding } from './finding.ts'

type ProofConfig = Pick<Config, 'roles' | 'network' | 'backend' | 'devices' | 'subgroupMatrix'>

/** What proves each device of this machine, or why nothing does; a miner of which none proves earns nothing. */
export async function checkProofs(config: ProofConfig): Promise<Finding[]> {
  try {
    const { plans } = await ownDevices(config)
    const someProves = [...plans.values()].some((plan) => 'device' in plan)
    const required = config.roles.includes('miner') && !someProves
    return [...plans].map(([gpu, plan]) => proofFinding(gpu, plan, required))
  } catch (error) {
    // `gpu` says the same of the driver, and what to do.
    const actual = messageOf(error)
    return [finding('proof', false, { actual, wanted, remedy: 'see the line gpu' })]
  }
}

const wanted = 'a backend that proves it on this network, and memory for it'

const proofFinding = (gpu: string, plan: ProofPlan, required: boolean): Finding =>
  finding(`proof ${gpu}`, 'device' in plan, {
    required,
    actual: 'device' in plan ? describe(plan) : plan.refusal,
    wanted,
    remedy: 'device' in plan ? '' : plan.next,
  })

const describe = ({ device, sizes }: Extract<ProofPlan, { device: unknown }>): string =>
  `${device.backend}, n = ${sizes.n}, ${Math.floor(sizes.bytes / MiB)} MiB resident`
