import { GiB } from '../../units.ts'
import { type BenchResult, benchMachine, type DeviceBench } from '../bench/bench-machine.ts'
import type { NetworkFigures } from '../bench/measure-network.ts'
import { createOutput, renderTable } from '../output.ts'
import { refuseWhileMining } from '../own-devices.ts'
import type { Run } from './command.ts'

/** Measures this machine, and shows the figures. Exit code 0 when every device was measured, else 1. */
export const gpuBench: Run = async ({ args, config, terminal, signal }) => {
  await refuseWhileMining(config, signal)
  const output = createOutput(terminal, config)
  const onStage = (stage: string): void => output.progress(stage)
  const result = await benchMachine(config, { named: args[0], signal, onStage })
  output.value(result, () => described(result))
  return result.devices.every(({ error }) => error === null) ? 0 : 1
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
