import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './chart.css'
import { useTheme } from './use-theme.ts'

export interface Series {
  readonly title: string
  /** As long as `atMs`; null where nothing was measured. */
  readonly values: readonly (number | null)[]
}

export interface ChartProps {
  /** What it shows, for a screen reader, with the newest figure. */
  readonly label: string
  /** Moments in ms, ascending. */
  readonly atMs: readonly number[]
  readonly series: readonly Series[]
  /** How a value reads on the axis and in the legend. */
  readonly format: (value: number) => string
  /** The axis begins at 0 and ends here at least. */
  readonly top?: number
  readonly height?: number
}

const COLOURS = ['--accent', '--info', '--warn', '--bad'] as const

/** Lines over time: the newest at the right, values under the pointer in the legend. */
export function Chart({ label, atMs, series, format, top, height = 140 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const theme = useTheme()
  const data = [atMs.map((ms) => ms / 1000), ...series.map(({ values }) => values)]
  const newest = useRef(data)
  newest.current = data
  const titles = series.map(({ title }) => title).join('\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew for other lines or another theme; data follows below
  useEffect(() => {
    const { current } = place
    if (current === null) return
    const made = new uPlot(
      optionsOf({ width: current.clientWidth, height, titles: titles.split('\n'), format, top }),
      newest.current as uPlot.AlignedData,
      current,
    )
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height }))
    observer.observe(current)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [titles, theme, height, top])
  useEffect(() => plot.current?.setData(newest.current as uPlot.AlignedData))
  const kind = series.length === 1 ? 'chart chart-single' : 'chart'
  return <div className={kind} ref={place} role="img" aria-label={label} />
}

/** In the reader's own time zone, seconds where it is about them. */
const timeOf = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleTimeString(undefined, {
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
    ...(seconds % 60 === 0 ? {} : { second: '2-digit' }),
  })

function optionsOf({ width, height, titles, format, top }: Shape): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string): string => resolved(style.getPropertyValue(name).trim())
  const axis = {
    stroke: colour('--text-faint'),
    font: '11px Inter, system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height,
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_, __, max) => [0, Math.max(top ?? 0, max ?? 0, Number.MIN_VALUE)] } },
    axes: [
      { ...axis, size: 24, space: 70, values: (_, ticks) => ticks.map(timeOf) },
      { ...axis, size: 66, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      { value: (_, seconds) => (seconds === null ? '–' : timeOf(seconds)) },
      ...titles.map((title, i) => ({
        label: title,
        stroke: colour(COLOURS[i % COLOURS.length]!),
        width: 1.5,
        points: { show: false },
        value: (_: uPlot, value: number | null) => (value === null ? '–' : format(value)),
      })),
    ],
  }
}

interface Shape {
  readonly width: number
  readonly height: number
  readonly titles: readonly string[]
  readonly format: (value: number) => string
  readonly top: number | undefined
}

/** A canvas knows no `light-dark()`: the browser says what it means here. */
function resolved(colour: string): string {
  const probe = document.createElement('span')
  probe.style.color = colour
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
