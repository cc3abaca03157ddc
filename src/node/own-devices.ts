/** The devices of this machine for a command that works on them itself, without a node. */
import { codeOf, NodeError } from '../errors.ts'
import { type Planned, type ProofPlans, planProofs } from '../gpu/plan-proofs.ts'
import { firstLook, type GpuSample } from '../gpu/telemetry.ts'
import type { Config } from './config.ts'
import { createControlClient } from './control/client.ts'
import { controlSocketPath } from './data-folder.ts'
import { openDrivers } from './own-drivers.ts'

/** What is here, and how it would prove on a network. */
export interface OwnDevices {
  readonly samples: readonly GpuSample[]
  readonly plans: ProofPlans
}

/** One device that proves. */
export interface OwnDevice {
  readonly sample: GpuSample
  readonly plan: Planned
}

/** Asks the drivers once. */
export async function ownDevices(
  config: Pick<Config, 'backend' | 'devices' | 'network' | 'subgroupMatrix'>,
): Promise<OwnDevices> {
  const { backend: choice, network, subgroupMatrix } = config
  await using drivers = openDrivers(config)
  const { samples } = firstLook(await drivers.read(), Date.now())
  return { samples, plans: await planProofs(samples, { choice, network, subgroupMatrix }) }
}

/**
 * Those of the devices that prove, or the one that is named.
 * @throws NOTHING_MATCHED, saying why each of them does not
 */
export function provingDevices({ samples, plans }: OwnDevices, named?: string): OwnDevice[] {
  const asked = samples.filter(({ gpu }) => named === undefined || gpu.id === named)
  const found = asked.flatMap((sample) => {
    const plan = plans.get(sample.gpu.id)
    return sample.state === 'ok' && plan !== undefined && 'device' in plan ? [{ sample, plan }] : []
  })
  if (found.length > 0) return found
  const reasons = asked.map(({ gpu, reason }) => {
    const plan = plans.get(gpu.id)
    return `${gpu.id}: ${reason ?? (plan !== undefined && 'refusal' in plan ? plan.refusal : 'lost')}`
  })
  const text =
    asked.length === 0
      ? `there is no device ${named}`
      : `no device here proves: ${reasons.join('; ')}`
  throw new NodeError('NOTHING_MATCHED', text, { next: 'compute-node gpu list shows the devices' })
}

/** What a miner of this data folder answers at a path; undefined where none runs. */
export async function askMiner<T>(
  { dataDir }: Pick<Config, 'dataDir'>,
  path: string,
  signal: AbortSignal,
): Promise<T | undefined> {
  using client = createControlClient(await controlSocketPath(dataDir))
  try {
    return await client.get<T>(path, signal)
  } catch (error) {
    if (absent.has(codeOf(error))) return undefined
    throw error
  }
}

/** No node, one that stops, one that is no miner. */
const absent: ReadonlySet<string> = new Set([
  'FAILED_NOT_RUNNING',
  'FAILED_NODE_STOPPED',
  'NOTHING_MATCHED',
])

/** Throws REFUSED_MINING where a miner of this data folder holds the devices: figures would be wrong, and its slot lost. */
export async function refuseWhileMining(
  config: Pick<Config, 'dataDir'>,
  signal: AbortSignal,
): Promise<void> {
  if ((await askMiner(config, '/v1/gpu', signal)) === undefined) return
  throw new NodeError('REFUSED_MINING', 'the miner of this data folder holds these devices', {
    next: 'stop it first; what it shows in slots is in: compute-node attestations',
  })
}
