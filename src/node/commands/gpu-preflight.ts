import { fitSizes } from '../../gpu/fit-sizes.ts'
import { createProver } from '../../gpu/prover-process.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import type { GpuSample } from '../../gpu/telemetry.ts'
import { silent } from '../../log.ts'
import type { Finding } from '../doctor/finding.ts'
import { checkMiner } from '../doctor/miner-checks.ts'
import { preflightGpu } from '../doctor/preflight-gpu.ts'
import { printFindings } from '../finding-list.ts'
import { createOutput } from '../output.ts'
import { askMiner, type OwnDevices, ownDevices } from '../own-devices.ts'
import type { CommandContext, Run } from './command.ts'

/**
 * Checks everything that a miner checks before it announces its devices, and what it needs besides; exit code 0 when
 * nothing required is missing, else 1. Where a miner runs in the data folder, it tells what it found itself.
 */
export const gpuPreflight: Run = async (context) => {
  const { config, terminal, signal } = context
  const output = createOutput(terminal, config)
  const told = await askMiner<{ items: Finding[] }>(config, '/v1/gpu/preflight', signal)
  if (told !== undefined) return printFindings(output, told.items)
  const devices = await checkDevices(context)
  return printFindings(output, [...devices, ...(await checkMiner(config, signal))])
}

async function checkDevices(context: CommandContext): Promise<Finding[]> {
  const own = await ownDevices(context.config)
  const found = await Promise.all(own.samples.map((sample) => checkDevice(context, own, sample)))
  const someProves = [...own.plans.values()].some((plan) => 'device' in plan)
  // A device without a backend is offered all the same; a machine without one earns nothing from slots.
  return found.flat().map((one) => ({ ...one, required: one.required || !someProves }))
}

async function checkDevice(
  { config, terminal, signal }: CommandContext,
  { plans }: OwnDevices,
  sample: GpuSample,
): Promise<Finding[]> {
  const { network } = config
  const output = createOutput(terminal, config)
  const plan = plans.get(sample.gpu.id)
  await using stack = new AsyncDisposableStack()
  const proves = plan !== undefined && 'device' in plan
  const prover = proves ? stack.use(createProver(plan.device, silent)) : undefined
  const stop = (): void => void prover?.release()
  signal.addEventListener('abort', stop, { once: true })
  stack.defer(() => signal.removeEventListener('abort', stop))
  const { minN } = slotNetworks[network].gemm
  return await preflightGpu({
    sample,
    plan,
    prover,
    network,
    shrink: async () =>
      proves && prover !== undefined ? fitSizes(prover, plan.sizes, minN) : undefined,
    onStage: (stage) => output.progress(`${sample.gpu.id}: ${stage}`),
  })
}
