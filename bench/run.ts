/**
 * `npm run bench` lists the benchmarks; `npm run bench -- NAME [--backend webgpu] [--json]` runs one and prints a table, or one JSON
 * document {name, machine, figures, yardstick}. A new benchmark is one file beside this one that exports `bench`.
 */
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { NodeError } from '../src/errors.ts'
import { exitCodeOf } from '../src/node/exit-codes.ts'
import { type Bench, type Figures, machine, rounded, type Target } from './support/bench.ts'

async function loadAll(): Promise<Bench[]> {
  const files = globSync('*.ts', { cwd: import.meta.dirname }).filter(
    (f) => f !== basename(import.meta.filename),
  )
  const modules = files.sort().map((file) => import(join(import.meta.dirname, file)))
  return (await Promise.all(modules)).map(({ bench }: { bench: Bench }) => bench)
}

const showTarget = (target: Target): string =>
  'atLeast' in target ? `>= ${target.atLeast}` : `<= ${target.atMost}`

const met = (target: Target, value: number): boolean =>
  'atLeast' in target ? value >= target.atLeast : value <= target.atMost

function list(benches: readonly Bench[]): void {
  for (const { name, measures, targets } of benches) {
    console.log(`${name.padEnd(10)} ${measures}`)
    for (const [figure, target] of Object.entries(targets)) {
      console.log(`${''.padEnd(10)}   ${figure} ${showTarget(target)}`)
    }
  }
  console.log('\nRun one: npm run bench -- NAME [--json]')
}

function printTable(title: string, figures: Figures, targets: Bench['targets']): void {
  console.log(title)
  for (const [name, value] of Object.entries(figures)) {
    const target = targets[name]
    const verdict =
      target === undefined || value === null
        ? ''
        : `${showTarget(target)}  ${met(target, value) ? 'met' : 'MISSED'}`
    console.log(
      `  ${name.padEnd(26)} ${(value === null ? '-' : String(rounded(value))).padStart(10)}  ${verdict}`,
    )
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      backend: { type: 'string' },
      minutes: { type: 'string' },
    },
    allowPositionals: true,
  })
  const benches = await loadAll()
  const [name] = positionals
  if (name === undefined) {
    list(benches)
    return 0
  }
  const bench = benches.find((candidate) => candidate.name === name)
  if (bench === undefined) {
    console.error(`no benchmark ${name}; there are: ${benches.map((b) => b.name).join(', ')}`)
    return 2
  }
  const { backend } = values
  if (backend !== undefined && !bench.backends?.some((one) => one === backend)) {
    console.error(`${name} takes no --backend ${backend}`)
    return 2
  }
  const on = machine()
  const progress = (line: string): void => console.error(`${name}: ${line}`)
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  const { on: device, figures, yardstick } = await bench.run(progress, { backend, minutes })
  if (values.json) {
    console.log(JSON.stringify({ name, machine: on, device, figures, yardstick }))
    return 0
  }
  console.log(`${name}: ${bench.measures}`)
  console.log(
    `on ${on.cpu}, ${on.cores} cores, ${on.memoryMiB} MiB, node ${on.node}, load ${on.load1}`,
  )
  if (device !== undefined) console.log(`by ${device}`)
  printTable('figures', figures, bench.targets)
  printTable('yardstick, same run', yardstick, {})
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof NodeError)) throw error
  console.error(`${error.code}: ${error.message}`)
  if (error.next !== undefined) console.error(`next: ${error.next}`)
  process.exitCode = exitCodeOf(error)
}
