import { Activity } from 'lucide-react'
import type { ReactNode } from 'react'
import type { LeaseUsage } from '../../../api/lease-usage.ts'
import type { Lease } from '../../../api/leases.ts'
import { Chart, type Series } from '../../ui/chart.tsx'
import { EmptyState } from '../../ui/empty-state.tsx'
import { bytesText, figureText } from '../../ui/format.ts'
import { KEPT_MS, newestOf, rateOf, type Sample, valuesOf } from './usage-samples.ts'
import './usage.css'

const MIB = 1024 * 1024
const LEAST_MS = 60_000
const percent = (value: number): string => `${Math.round(value)} %`
const perSecond = (value: number): string => `${bytesText(Math.round(value))}/s`
const memory = (value: number): string => bytesText(Math.round(value * MIB))

/** What the container uses, the last ten minutes of it; where nothing is known the lines break off. */
export function UsageTab({ lease, usage }: { lease: Lease; usage: readonly Sample[] }) {
  const newest = usage.at(-1)?.usage
  if (newest === undefined || newest === null) {
    return (
      <EmptyState icon={<Activity aria-hidden="true" />} title="Nothing is known yet">
        {lease.over
          ? 'This page did not watch it while it ran.'
          : 'Its miner tells once a second what it uses; the first figures are on their way.'}
      </EmptyState>
    )
  }
  const panels: PanelProps[] = [
    {
      title: 'Processor',
      of: `of ${newest.cores} ${newest.cores === 1 ? 'core' : 'cores'}`,
      usage,
      format: percent,
      top: 100,
      lines: [{ title: 'All cores', values: valuesOf(usage, cpuShare) }],
    },
    {
      title: 'Memory',
      of: `of ${memory(newest.memoryLimitMiB)}`,
      usage,
      format: memory,
      top: Math.min(64, newest.memoryLimitMiB),
      lines: [{ title: 'Used', values: valuesOf(usage, ({ memoryMiB }) => memoryMiB) }],
    },
    {
      title: 'Network',
      of: networkTotal(newest),
      usage,
      format: perSecond,
      top: 1024,
      lines: [
        { title: 'In', values: rateOf(usage, ({ rxBytes }) => rxBytes) },
        { title: 'Out', values: rateOf(usage, ({ txBytes }) => txBytes) },
      ],
    },
    ...newest.gpus.filter(isGpu).map(
      ({ id }): PanelProps => ({
        title: `GPU ${id}`,
        of: gpuNote(newest, id),
        usage,
        format: percent,
        top: 100,
        lines: [
          { title: 'Load', values: valuesOf(usage, (one) => gpuOf(one, id)?.loadPercent ?? null) },
        ],
      }),
    ),
  ]
  return (
    <div className="usage">
      {panels.map((panel) => (
        <Panel key={panel.title} {...panel} />
      ))}
      <section className="usage-panel usage-rest" aria-label="Besides">
        <Rest name="Processes and threads">{newest.pids ?? '–'}</Rest>
        <Rest name="Disk">
          {newest.diskMiB === null ? '–' : memory(newest.diskMiB)}
          {newest.diskLimitMiB === null ? null : (
            <span className="faint"> of {memory(newest.diskLimitMiB)}</span>
          )}
        </Rest>
      </section>
    </div>
  )
}

const cpuShare = ({ cpuPercent, cores }: LeaseUsage): number | null =>
  cpuPercent === null ? null : cpuPercent / Math.max(cores, 0.001)

/** A processor that is let has a chart already. */
const isGpu = ({ id }: { readonly id: string }): boolean => !id.startsWith('cpu')

const gpuOf = ({ gpus }: LeaseUsage, id: string) => gpus.find((one) => one.id === id)

function gpuNote(usage: LeaseUsage, id: string): string {
  const gpu = gpuOf(usage, id)
  return [
    gpu?.memoryMiB == null ? undefined : memory(gpu.memoryMiB),
    gpu?.temperatureC == null ? undefined : `${gpu.temperatureC} °C`,
    gpu?.powerW == null ? undefined : `${figureText(gpu.powerW)} W`,
  ]
    .filter((text) => text !== undefined)
    .join(', ')
}

const networkTotal = ({ rxBytes, txBytes }: LeaseUsage): string =>
  rxBytes === null || txBytes === null
    ? ''
    : `${bytesText(rxBytes)} in, ${bytesText(txBytes)} out since its start`

interface PanelProps {
  readonly title: string
  readonly of: string
  readonly usage: readonly Sample[]
  readonly lines: readonly Series[]
  readonly format: (value: number) => string
  readonly top: number
}

/** One chart under its newest figures; its window grows from one minute to ten. */
function Panel({ title, of, usage, lines, format, top }: PanelProps) {
  const now = lines.map(({ title: name, values }) => {
    const value = newestOf(values)
    return { name, text: value === null ? '–' : format(value) }
  })
  const words = now
    .map(({ name, text }) => (lines.length > 1 ? `${name} ${text}` : text))
    .join(', ')
  const endMs = usage.at(-1)?.atMs ?? 0
  const beginMs = Math.max(endMs - KEPT_MS, Math.min(usage[0]?.atMs ?? 0, endMs - LEAST_MS))
  return (
    <section className="usage-panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <span className="usage-now num">{words}</span>
        <span className="faint num">{of}</span>
      </header>
      <Chart
        label={`${title} over the last ten minutes, now ${words}`}
        atMs={[beginMs, ...usage.map(({ atMs }) => atMs)]}
        series={lines.map((line) => ({ ...line, values: [null, ...line.values] }))}
        format={format}
        top={top}
      />
    </section>
  )
}

const Rest = ({ name, children }: { name: string; children: ReactNode }) => (
  <p>
    <span className="soft">{name}</span> <span className="num">{children}</span>
  </p>
)
