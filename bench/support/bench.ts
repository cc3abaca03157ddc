import { cpus, loadavg, totalmem } from 'node:os'
import { MiB } from '../../src/units.ts'

/** Named measured numbers, the unit in the name, e.g. `p50Ms`; null where nobody knows. */
export type Figures = Readonly<Record<string, number | null>>

export interface Result {
  /** What it ran on, where that is not the machine's processor. */
  readonly on?: string
  /** What the product did. */
  readonly figures: Figures
  /** The same done the plainest way in the same run, so that figures of different machines can be compared. */
  readonly yardstick: Figures
}

export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** What the command line says beside the name. */
export interface BenchOptions {
  /** How long a benchmark that watches something grow shall watch; its own choice when absent. */
  readonly minutes?: number | undefined
  /** One of its `backends`; the processor when absent. */
  readonly backend?: string | undefined
}

/** One benchmark: `bench/<name>.ts` exports it as `bench`; helpers live in `bench/support/`. */
export interface Bench {
  readonly name: string
  /** One line: what is measured, and how. */
  readonly measures: string
  /** By the name of a figure. */
  readonly targets: Readonly<Record<string, Target>>
  /** Backends other than the processor that it can measure. */
  readonly backends?: readonly 'webgpu'[]
  /** Runs it; `progress` writes to stderr. A precondition that is missing is thrown as a NodeError. */
  run(progress: (line: string) => void, options: BenchOptions): Promise<Result>
}

/** What a benchmark of several concerns, a file each, aims at. */
export const targetsOf = (parts: readonly Pick<Bench, 'targets'>[]): Bench['targets'] =>
  Object.assign({}, ...parts.map(({ targets }) => targets))

/** The figures of all of them, measured one after the other. */
export async function measureEach<Part>(
  parts: readonly Part[],
  measure: (part: Part) => Promise<Result>,
): Promise<Result> {
  const results: Result[] = []
  for (const part of parts) results.push(await measure(part))
  return {
    figures: Object.assign({}, ...results.map(({ figures }) => figures)),
    yardstick: Object.assign({}, ...results.map(({ yardstick }) => yardstick)),
  }
}

/** The machine a result was measured on. */
export const machine = () => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: cpus().length,
  memoryMiB: Math.round(totalmem() / MiB),
  load1: Number(loadavg()[0]?.toFixed(2)),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
})

/** The middle value (the upper of two). */
export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The value below which the share `q` of all lies. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
  if (value === undefined) throw new Error('nothing was measured')
  return value
}

/** Rounded for people: three significant digits, whole above 1000. */
export const rounded = (value: number): number =>
  Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3))
