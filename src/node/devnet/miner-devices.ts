import { dockerFacts } from '../../containers/docker-facts.ts'
import { NodeError } from '../../errors.ts'
import { createGpuDrivers, type GpuDrivers } from '../../gpu/drivers.ts'
import { secondsMs } from '../../units.ts'
import type { Config } from '../config.ts'

const ENGINE_MS = secondsMs(5)

/** What a devnet's miners let, and in which words that is told. */
export interface MinerDevices {
  readonly devices: Config['devices']
  readonly why?: string
}

/**
 * GPUs wherever a lease can have them. Where Docker runs but cannot hand them out, a market of them would let nothing, so
 * its miners let the processor.
 */
export async function minerDevices(
  { engine, devices }: Pick<Config, 'engine' | 'devices'>,
  signal: AbortSignal,
  open: () => GpuDrivers = createGpuDrivers,
): Promise<MinerDevices> {
  if (devices === 'cpu' || engine === 'process') return { devices }
  await using drivers = open()
  const { gpus } = await drivers.read()
  const name = gpus.find(({ gpu }) => gpu.vendor === 'nvidia')?.gpu.name
  if (name === undefined || (await handsOutGpus(signal))) return { devices }
  const next = 'install nvidia-container-toolkit, then: nvidia-ctk runtime configure'
  return {
    devices: 'cpu',
    why: `Docker cannot hand out the ${name}: miners let the processor (${next})`,
  }
}

/** One that does not answer is dealt with where miners open it. */
async function handsOutGpus(signal: AbortSignal): Promise<boolean> {
  try {
    return (await dockerFacts(ENGINE_MS, signal)).gpus !== undefined
  } catch (error) {
    if (error instanceof NodeError) return true
    throw error
  }
}
