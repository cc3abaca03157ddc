import { NodeError } from '../../errors.ts'
import { type Gpu, type GpuFigures, type GpuProcess, pciId } from '../gpu.ts'
import { parseMigDevices, withMigSlices } from './mig.ts'
import { runTool, type ToolOptions, type ToolRun, toolFailed } from './run-tool.ts'
import type { DriverReading, GpuReading, GpuSource } from './source.ts'

/** Every field asked for (`nvidia-smi --help-query-gpu`). One unknown field fails the whole query. */
export const FIELDS = [
  'index',
  'name',
  'uuid',
  'pci.bus_id',
  'driver_version',
  'compute_cap',
  'memory.total',
  'memory.used',
  'utilization.gpu',
  'temperature.gpu',
  'power.draw',
  'enforced.power.limit',
  'clocks.sm',
  'clocks.mem',
  'pcie.link.gen.max',
  'pcie.link.width.current',
  'ecc.errors.uncorrected.volatile.total',
  'mig.mode.current',
] as const
/** What every driver in use knows. */
export const MINIMAL_FIELDS = [
  'index',
  'name',
  'uuid',
  'pci.bus_id',
  'driver_version',
  'memory.total',
] as const

const UNKNOWN = /^\[?(N\/A|Not Supported|Not Found|Unknown Error|GPU requires reset|Insufficient)/i
/** A value that says that the GPU is no longer usable. */
const BROKEN = /GPU requires reset|GPU is lost/i
/** A line in place of a GPU's, e.g. `Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.` */
const UNREADABLE = /^Unable to determine|GPU is lost/im

/** A GPU, or a GPU that is divided into slices (MIG). */
export interface SmiReading extends GpuReading {
  readonly index: number
  readonly migEnabled: boolean
}

export interface SmiAnswer {
  readonly gpus: readonly SmiReading[]
  readonly unnamed: readonly string[]
}

/** Parses `--format=csv,noheader,nounits` output of a query for `fields`; GPU_SMI_OUTPUT on lines that do not fit. */
export function parseNvidiaSmi(csv: string, fields: readonly string[] = FIELDS): SmiAnswer {
  const lines = csv
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return {
    gpus: lines.filter((line) => !UNREADABLE.test(line)).map((line) => parseLine(line, fields)),
    unnamed: lines.filter((line) => UNREADABLE.test(line)),
  }
}

function parseLine(line: string, fields: readonly string[]): SmiReading {
  const values = line.split(',').map((value) => value.trim())
  if (values.length !== fields.length) {
    throw new NodeError('GPU_SMI_OUTPUT', `nvidia-smi: ${values.length} columns in "${line}"`)
  }
  const text = (field: string): string | null => {
    const value = values[fields.indexOf(field)]
    return value === undefined || value === '' || UNKNOWN.test(value) ? null : value
  }
  const number = (field: string): number | null => {
    const value = text(field)
    return value !== null && Number.isFinite(Number(value)) ? Number(value) : null
  }
  const [index, uuid, address] = [number('index'), text('uuid'), text('pci.bus_id')]
  if (index === null || uuid === null || address === null) {
    throw new NodeError('GPU_SMI_OUTPUT', `nvidia-smi: no index, uuid or bus id in "${line}"`)
  }
  const broken = values.find((value) => BROKEN.test(value))?.replace(/^\[|\]$/g, '')
  return {
    index,
    gpu: gpuOf(text, number, { uuid, id: pciId(address) }),
    figures: figuresOf(number),
    migEnabled: text('mig.mode.current') === 'Enabled',
    ...(broken === undefined ? {} : { fault: broken }),
  }
}

type Text = (field: string) => string | null
type Numeric = (field: string) => number | null

function gpuOf(text: Text, number: Numeric, named: { uuid: string; id: string }): Gpu {
  const [driver, computeCapability] = [text('driver_version'), text('compute_cap')]
  const pcie = { gen: number('pcie.link.gen.max'), width: number('pcie.link.width.current') }
  return {
    ...named,
    vendor: 'nvidia',
    name: text('name') ?? 'NVIDIA GPU',
    vramMiB: number('memory.total') ?? 0,
    ...(driver === null ? {} : { driver }),
    ...(computeCapability === null ? {} : { computeCapability }),
    ...(pcie.gen === null && pcie.width === null ? {} : { pcie }),
  }
}

const figuresOf = (number: Numeric): GpuFigures => ({
  temperatureC: number('temperature.gpu'),
  powerW: number('power.draw'),
  powerLimitW: number('enforced.power.limit'),
  utilizationPercent: number('utilization.gpu'),
  memoryUsedMiB: number('memory.used'),
  coreClockMHz: number('clocks.sm'),
  memoryClockMHz: number('clocks.mem'),
  eccErrors: number('ecc.errors.uncorrected.volatile.total'),
  lastError: null,
  processes: null,
})

/** Parses `--query-compute-apps=gpu_uuid,pid,used_memory`: the programs on each GPU by its UUID; lines that do not fit are none. */
export function parseComputeApps(csv: string): Map<string, GpuProcess[]> {
  const found = new Map<string, GpuProcess[]>()
  for (const line of csv.split('\n')) {
    const [uuid = '', pid = '', memory = ''] = line.split(',').map((value) => value.trim())
    if (!/^\d+$/.test(pid)) continue
    const memoryMiB = /^\d+$/.test(memory) ? Number(memory) : null
    found.set(uuid, [...(found.get(uuid) ?? []), { pid: Number(pid), memoryMiB }])
  }
  return found
}

const CSV = '--format=csv,noheader,nounits'

export interface SmiOptions {
  readonly env?: NodeJS.ProcessEnv | undefined
}

/** NVIDIA GPUs through the program that comes with the driver. */
export function nvidiaSmi({ env }: SmiOptions = {}): GpuSource {
  /** What this driver was found to know. */
  let fields: readonly string[] = FIELDS
  /** Every GPU that it ever told of. */
  const known = new Set<string>()

  const ask = (options: ToolOptions, which: Which = []): Promise<ToolRun | undefined> =>
    runTool('nvidia-smi', [...which, `--query-gpu=${fields.join(',')}`, CSV], options)

  /** Asks with fewer fields until the driver knows all of them: it names the first it does not. */
  async function query(options: ToolOptions): Promise<ToolRun | undefined> {
    for (;;) {
      const run = await ask(options)
      if (run === undefined || run.ok || UNREADABLE.test(run.stdout + run.reason)) return run
      const stranger = /Field "([^"]+)" is not a valid field/.exec(run.stdout + run.reason)?.[1]
      const rest = fields.filter((field) => field !== stranger)
      if (rest.length < fields.length) fields = rest
      else if (fields.length > MINIMAL_FIELDS.length) fields = MINIMAL_FIELDS
      else return run
    }
  }

  /**
   * What each GPU says when it is asked alone. One that fell off the bus fails the query of all with exit code 15 and
   * its own line, and the others answer by name all the same.
   */
  async function apart(whole: SmiAnswer, options: ToolOptions): Promise<SmiAnswer> {
    const names = known.size > 0 ? [...known] : Array.from({ length: MOST_GPUS }, (_, i) => `${i}`)
    const answers = await Promise.all(names.map((name) => one(name, options)))
    const unnamed = answers.flatMap((answer) => answer.unnamed)
    return {
      gpus: answers.flatMap(({ gpus }) => gpus),
      unnamed: [...new Set([...whole.unnamed, ...unnamed])],
    }
  }

  async function one(name: string, options: ToolOptions): Promise<SmiAnswer> {
    try {
      const run = await ask(options, ['-i', name])
      const knows = run !== undefined && (run.ok || UNREADABLE.test(saidBy(run)))
      return knows ? parseNvidiaSmi(saidBy(run), fields) : { gpus: [], unnamed: [] }
    } catch (error) {
      if (!(error instanceof NodeError)) throw error
      return { gpus: [], unnamed: [error.message] } // one that hangs, or answers what nobody reads, is as good as lost
    }
  }

  return {
    name: 'nvidia-smi',
    async read({ timeoutMs }): Promise<DriverReading | undefined> {
      const options = { env, timeoutMs }
      const asked = fields
      const run = await query(options)
      if (run === undefined) return undefined
      // With one GPU lost it fails as a whole, and still says which.
      if (!run.ok && !UNREADABLE.test(saidBy(run))) {
        fields = asked // it failed for another reason: next time everything is asked again
        throw toolFailed('nvidia-smi', run.reason)
      }
      const whole = parseNvidiaSmi(saidBy(run), fields)
      const { gpus, unnamed } = run.ok ? whole : await apart(whole, options)
      for (const { gpu } of gpus) known.add(gpu.uuid!)
      const each = run.ok ? [[]] : gpus.map(({ gpu }) => ['-i', gpu.uuid!])
      const processes = await processesOn(each, options)
      const seen = gpus.map((reading) => withProcesses(reading, processes))
      if (!seen.some(({ migEnabled }) => migEnabled)) return { gpus: seen.map(plain), unnamed }
      const listed = await runTool('nvidia-smi', ['-L'], options)
      return { gpus: withMigSlices(seen, parseMigDevices(listed?.stdout ?? '')), unnamed }
    },
    async setPowerLimit({ uuid = '' }, watts) {
      const args = ['-i', uuid, '-pl', String(watts)]
      const run = await runTool('nvidia-smi', args, { env, timeoutMs: SET_TIMEOUT_MS })
      if (run?.ok === true) return
      const reason = run?.reason ?? 'nvidia-smi is not installed'
      throw new NodeError('GPU_POWER_LIMIT', `the power limit was not set: ${reason}`, {
        next: 'run the node as root, or set it yourself: nvidia-smi -pl WATTS',
      })
    },
    async [Symbol.asyncDispose]() {},
  }
}

const SET_TIMEOUT_MS = 10_000
/** GPUs of a machine that are asked by their number as long as no UUID is known. */
const MOST_GPUS = 16

const saidBy = ({ ok, stdout, reason }: ToolRun): string =>
  ok || stdout.trim() !== '' ? stdout : reason

/** Which GPU is asked, as arguments; all where empty. */
type Which = readonly string[]

/** The programs on GPUs by UUID; undefined where nobody tells. */
async function processesOn(
  each: readonly Which[],
  options: ToolOptions,
): Promise<ReadonlyMap<string, GpuProcess[]> | undefined> {
  const asked = ['--query-compute-apps=gpu_uuid,pid,used_memory', CSV]
  const runs = await Promise.all(
    each.map((which) => runTool('nvidia-smi', [...which, ...asked], options)),
  )
  if (runs.some((run) => run?.ok !== true)) return undefined
  return parseComputeApps(runs.map((run) => run!.stdout).join('\n'))
}

const plain = ({ gpu, figures, fault }: SmiReading): GpuReading => ({
  gpu,
  figures,
  ...(fault === undefined ? {} : { fault }),
})

const withProcesses = (
  reading: SmiReading,
  processes: ReadonlyMap<string, GpuProcess[]> | undefined,
): SmiReading => ({
  ...reading,
  figures: {
    ...reading.figures,
    processes: processes?.get(reading.gpu.uuid ?? '') ?? (processes === undefined ? null : []),
  },
})
