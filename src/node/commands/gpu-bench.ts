import { availableParallelism, cpus, totalmem } from 'node:os'
import { messageOf } from '../../errors.ts'
import type { ProofSizes } from '../../gpu/backend.ts'
import type { BackendDevice } from '../../gpu/backends.ts'
import { benchDevice, type DeviceFigures } from '../../gpu/bench-device.ts'
import { classOf, type GpuClass, gpuClasses } from '../../gpu/gpu-classes.ts'
import { createProver } from '../../gpu/prover-process.ts'
import { silent } from '../../log.ts'
import { GiB, MiB, secondsMs } from '../../units.ts'
import { type DiskFigures, measureDisk } from '../bench/measure-disk.ts'
import { measureNetwork, type NetworkFigures } from '../bench/measure-network.ts'
import { keepInet } from '../measured-inet.ts'
import { createOutput, renderTable } from '../output.ts'
import {
  type OwnDevice,
  type OwnDevices,
  ownDevices,
  provingDevices,
  refuseWhileMining,
} from '../own-devices.ts'
import type { CommandContext, Run } from './command.ts'

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

/**
 * Measures what this machine's devices, disk and network can do, in seconds, one after the other; nothing leaves the
 * machine but pings and random bytes to a bootstrap peer, whose figures later stand in this machine's offers. Exit code 0 when every device was measured, else 1.
 */
export const gpuBench: Run = async (context) => {
  const { args, config, terminal, signal } = context
  await refuseWhileMining(config, signal)
  const output = createOutput(terminal, config)
  const devices: DeviceBench[] = []
  for (const device of await devicesToMeasure(context, args[0])) {
    signal.throwIfAborted()
    devices.push(await benchOne(device, context))
  }
  output.progress('writing to the disk, and reading')
  const disk = await measureDisk(config.dataDir)
  const network = await measureNetwork(config, signal, (stage) => output.progress(stage))
  await keepInet(config.dataDir, network, Date.now())
  const machine = {
    cpu: cpus()[0]?.model.trim() ?? process.arch,
    cores: availableParallelism(),
    ramMiB: Math.floor(totalmem() / MiB),
  }
  const result: BenchResult = { machine, devices, disk, network, classes: gpuClasses }
  output.value(result, () => described(result))
  return devices.every(({ error }) => error === null) ? 0 : 1
}

/**
 * What proves on a local network, software and processors too; GPUs with the sizes of a public network, for which they
 * are bought.
 */
async function devicesToMeasure(
  { config }: CommandContext,
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
  { config, terminal, signal }: CommandContext,
): Promise<DeviceBench> {
  const output = createOutput(terminal, config)
  const { device, sizes } = plan
  const { id, name, vramMiB } = gpu
  const about = { gpu: id, name, backend: device.backend, vramMiB, expected: classOf(name) ?? null }
  await using prover = createProver(device, silent)
  const stop = (): void => void prover.release()
  signal.addEventListener('abort', stop, { once: true })
  const onStage = (stage: string): void => output.progress(`${id}: ${stage}`)
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

function described({ devices, disk, network, classes }: BenchResult): string {
  const lines = devices.flatMap(describeDevice)
  const cached = disk?.isReadCached
    ? ' (from memory: this file system reads through its cache)'
    : ''
  return [
    ...lines,
    disk === null
      ? 'disk     not measured: too little room'
      : `disk     ${round(disk.writeMBps)} MB/s written, ${round(disk.readMBps)} MB/s read${cached}`,
    ...describeNetwork(network),
    '',
    'Estimates to compare with: int8 TOPS of our kernels by CUDA and by WebGPU, GB/s of the data sheet',
    ...renderTable(classes, [
      { title: 'MODEL', value: ({ name }) => name },
      { title: 'CUDA', value: ({ tops }) => `~${tops.cuda}`, align: 'right' },
      { title: 'WEBGPU', value: ({ tops }) => `~${tops.webgpu}`, align: 'right' },
      { title: 'GB/S', value: ({ gbps }) => gbps, align: 'right' },
      { title: 'GIB', value: ({ memoryGiB }) => memoryGiB, align: 'right' },
    ]),
  ].join('\n')
}

function describeNetwork(network: NetworkFigures): string[] {
  const { loopbackMBps, bootstrapRttMs, bootstrap, downMbps, upMbps, bandwidth } = network
  const way =
    downMbps === null || upMbps === null
      ? bandwidth
      : `${round(downMbps)} Mbit/s down, ${round(upMbps)} Mbit/s up`
  return [
    `network  ${round(loopbackMBps)} MB/s over loopback, both ends in this process`,
    ...(bootstrapRttMs === null
      ? [`line     ${bootstrap}`]
      : [`line     ${way}; round trip ${round(bootstrapRttMs)} ms, to ${bootstrap}`]),
  ]
}

function describeDevice({ gpu, name, backend, vramMiB, figures, error, expected }: DeviceBench) {
  const head = `${gpu}  ${name}, by ${backend}`
  if (figures === null) return [head, `  failed: ${error}`]
  const { ranOn, n, fillBytes, usableMiB, tops, gbps, fillGBps, linkGBps } = figures
  const of = (value: number | undefined): string =>
    value === undefined ? '' : `, of about ${value} expected`
  const known = backend === 'cpu' ? undefined : expected?.tops[backend]
  return [
    head,
    `  ran on   ${ranOn}`,
    `  compute  ${round(tops)} TOPS at n = ${n}${of(known)}`,
    `  memory   ${round(gbps)} GB/s over ${round(fillBytes / GiB)} GiB${of(expected?.gbps)}`,
    `  fill     ${round(fillGBps)} GB/s, once in an epoch`,
    ...(usableMiB === null ? [] : [`  usable   ${usableMiB} of ${vramMiB} MiB`]),
    `  link     ${linkGBps === null ? 'none to measure' : `${round(linkGBps)} GB/s from the machine's memory`}`,
  ]
}

/** Three significant digits. */
const round = (value: number): string =>
  Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
