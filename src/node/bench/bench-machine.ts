import { availableParallelism, cpus, totalmem } from 'node:os'
import { messageOf } from '../../errors.ts'
import type { ProofSizes } from '../../gpu/backend.ts'
import type { BackendDevice } from '../../gpu/backends.ts'
import { benchDevice, type DeviceFigures } from '../../gpu/bench-device.ts'
import { classOf, type GpuClass, gpuClasses } from '../../gpu/gpu-classes.ts'
import { createProver } from '../../gpu/prover-process.ts'
import { silent } from '../../log.ts'
import { MiB, secondsMs } from '../../units.ts'
import type { Config } from '../config.ts'
import { keepInet } from '../measured-inet.ts'
import { type OwnDevice, type OwnDevices, ownDevices, provingDevices } from '../own-devices.ts'
import { type DiskFigures, measureDisk } from './measure-disk.ts'
import { measureNetwork, type NetworkFigures } from './measure-network.ts'

/** A device with the sizes it is measured with. */
interface Measured extends OwnDevice {
  readonly takesAll: boolean
}

/** One device: its figures, or why there are none. */
export interface DeviceBench {
  readonly gpu: string
  readonly name: string
  readonly backend: BackendDevice['backend']
  readonly vramMiB: number
  readonly figures: DeviceFigures | null
  readonly error: string | null
  /** What its model should show: estimates. */
  readonly expected: GpuClass | null
}

/** What `gpu bench` prints. */
export interface BenchResult {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly ramMiB: number }
  readonly devices: readonly DeviceBench[]
  /** Null without room on the disk. */
  readonly disk: DiskFigures | null
  readonly network: NetworkFigures
  /** Estimates of usual models, to compare with. */
  readonly classes: readonly GpuClass[]
}

/** How long passes and steps of a device are repeated, each. */
const WORK_MS = secondsMs(1.5)
/** A processor fills slowly; matrices as of a small GPU. */
const CPU_SIZES: ProofSizes = { n: 1024, bytes: 16 * MiB }

export interface DeviceWork {
  /** The device that is named, or each that proves for a bench, the first for a proof. */
  readonly named?: string | undefined
  readonly signal: AbortSignal
  readonly onStage: (stage: string) => void
}

/**
 * Measures what this machine's devices, disk and network can do, in seconds, one after the other; nothing leaves the
 * machine but pings and random bytes to a bootstrap peer, whose figures later stand in this machine's offers.
 */
export async function benchMachine(config: Config, work: DeviceWork): Promise<BenchResult> {
  const { named, signal, onStage } = work
  const devices: DeviceBench[] = []
  for (const device of await devicesToMeasure(config, named)) {
    signal.throwIfAborted()
    devices.push(await benchOne(device, work))
  }
  onStage('writing to the disk, and reading')
  const disk = await measureDisk(config.dataDir)
  const network = await measureNetwork(config, signal, onStage)
  await keepInet(config.dataDir, network, Date.now())
  const machine = {
    cpu: cpus()[0]?.model.trim() ?? process.arch,
    cores: availableParallelism(),
    ramMiB: Math.floor(totalmem() / MiB),
  }
  return { machine, devices, disk, network, classes: gpuClasses }
}

/**
 * What proves on a local network, software and processors too; GPUs with the sizes of a public network, for which they
 * are bought.
 */
async function devicesToMeasure(
  config: Config,
  named: string | undefined,
): Promise<readonly Measured[]> {
  const found = provingDevices(await ownDevices({ ...config, network: 'local' }), named)
  const hasGpu = found.some(({ sample }) => sample.gpu.vendor !== 'cpu')
  const full = hasGpu ? await ownDevices({ ...config, network: 'finney' }) : undefined
  return found.map((device) => sized(device, full))
}

function sized({ sample, plan }: OwnDevice, full: OwnDevices | undefined): Measured {
  const byAllThreads = { device: { backend: 'cpu' }, sizes: CPU_SIZES } as const
  if (plan.device.backend === 'cpu') return { sample, plan: byAllThreads, takesAll: false }
  const large = full?.plans.get(sample.gpu.id)
  const takesAll = large !== undefined && 'device' in large
  return { sample, plan: takesAll ? large : plan, takesAll }
}

async function benchOne(
  { sample: { gpu }, plan, takesAll }: Measured,
  { signal, onStage: tell }: DeviceWork,
): Promise<DeviceBench> {
  const { device, sizes } = plan
  const { id, name, vramMiB } = gpu
  const about = { gpu: id, name, backend: device.backend, vramMiB, expected: classOf(name) ?? null }
  await using prover = createProver(device, silent)
  const stop = (): void => void prover.release()
  signal.addEventListener('abort', stop, { once: true })
  const onStage = (stage: string): void => tell(`${id}: ${stage}`)
  try {
    const figures = await benchDevice({ device, prover, sizes, takesAll, forMs: WORK_MS, onStage })
    return { ...about, figures, error: null }
  } catch (error) {
    signal.throwIfAborted()
    return { ...about, figures: null, error: messageOf(error) }
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
