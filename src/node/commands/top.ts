import type { LeaseUsage } from '../../api/lease-usage.ts'
import { NodeError } from '../../errors.ts'
import type { ControlClient } from '../control/client.ts'
import { bytesText } from '../copy/progress-bar.ts'
import { createOutput, type Output } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { leasePath } from './lease-path.ts'
import { whenStarted } from './session-socket.ts'

type GpuUsage = LeaseUsage['gpus'][number]

/** Shows what a lease uses now; with `--watch`, a line each second until Ctrl-C. */
export const top: Run = (context) => withNode(context, (client) => show(client, context))

async function show(client: ControlClient, context: CommandContext): Promise<number> {
  const { args, config, terminal, signal } = context
  const output = createOutput(terminal, config)
  const path = leasePath(args[0]!, '/usage')
  const reading = new AbortController()
  const leave = (): void => reading.abort(signal.reason)
  signal.addEventListener('abort', leave, { once: true })
  try {
    const open = () => client.items<LeaseUsage>(path, 'usage', reading.signal)
    const samples = await whenStarted(open, signal)
    for await (const sample of samples) {
      // A load is known from the second sample on.
      if (sample.cpuPercent === null && sample.pids !== null && !config.watch) continue
      print(sample, output, config.watch)
      if (!config.watch) return 0
    }
    if (signal.aborted && config.watch) return 0
    throw new NodeError('PEER_LOST', 'the miner said no more')
  } finally {
    signal.removeEventListener('abort', leave)
    reading.abort(new NodeError('FAILED', 'enough was seen'))
  }
}

function print(sample: LeaseUsage, output: Output, isWatched: boolean): void {
  if (isWatched) output.event(sample, () => usageLine(sample))
  else output.value(sample, () => usageText(sample))
}

const known = (value: number | null, text: (value: number) => string): string =>
  value === null ? '-' : text(value)
const percent = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} %`
const inMiB = (value: number): string => `${Math.round(value)}`

const rows = (sample: LeaseUsage): readonly (readonly [string, string])[] => [
  ['cpu', `${known(sample.cpuPercent, percent)} of ${sample.cores * 100} %`],
  ['memory', `${known(sample.memoryMiB, inMiB)} of ${sample.memoryLimitMiB} MiB`],
  ['disk', diskText(sample)],
  ['network', `${known(sample.rxBytes, bytesText)} in, ${known(sample.txBytes, bytesText)} out`],
  ['processes', known(sample.pids, String)],
]

function diskText({ diskMiB, diskLimitMiB }: LeaseUsage): string {
  const used = known(diskMiB, inMiB)
  return diskLimitMiB === null ? `${used} MiB` : `${used} of ${diskLimitMiB} MiB`
}

const gpuText = (gpu: GpuUsage): string =>
  [
    known(gpu.loadPercent, percent),
    `${known(gpu.memoryMiB, inMiB)} MiB`,
    `${known(gpu.temperatureC, String)} °C`,
    `${known(gpu.powerW, (watts) => watts.toFixed(0))} W`,
  ].join(', ')

/** All of a sample, a line for each thing. */
export const usageText = (sample: LeaseUsage): string =>
  [...rows(sample), ...sample.gpus.map((gpu) => [gpu.id, gpuText(gpu)] as const)]
    .map(([name, text]) => `${name.padEnd(10)} ${text}`)
    .join('\n')

/** All of a sample in one line. */
export const usageLine = (sample: LeaseUsage): string =>
  [
    new Date(sample.atMs).toISOString().slice(11, 19),
    ...rows(sample).map(([name, text]) => `${name} ${text}`),
    ...sample.gpus.map((gpu) => `${gpu.id} ${gpuText(gpu)}`),
  ].join('  ')
