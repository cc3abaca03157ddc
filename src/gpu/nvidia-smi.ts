import { execFile } from 'node:child_process'
import { messageOf, NodeError } from '../errors.ts'
import { KiB } from '../units.ts'

/** What one line of nvidia-smi says about a GPU (or MIG parent); null where the driver does not tell. */
export interface SmiGpu {
  readonly index: number
  readonly name: string
  readonly uuid: string
  /** e.g. `00000000:19:00.0`. */
  readonly pciBusId: string
  readonly driver: string | null
  readonly computeCapability: string | null
  readonly vramMiB: number | null
  readonly vramUsedMiB: number | null
  readonly utilizationPercent: number | null
  readonly temperatureC: number | null
  readonly powerW: number | null
  readonly powerLimitW: number | null
  readonly mig: boolean | null
}

/** Every field asked for. One unknown field fails the whole query, so MINIMAL_FIELDS is asked next. */
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

/** Parses `--format=csv,noheader,nounits` output of a query for `fields`; GPU_SMI_OUTPUT on lines that do not fit. */
export function parseNvidiaSmi(csv: string, fields: readonly string[] = FIELDS): SmiGpu[] {
  return csv
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => parseLine(line, fields))
}

function parseLine(line: string, fields: readonly string[]): SmiGpu {
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
  const [index, uuid, pciBusId] = [number('index'), text('uuid'), text('pci.bus_id')]
  if (index === null || uuid === null || pciBusId === null) {
    throw new NodeError('GPU_SMI_OUTPUT', `nvidia-smi: no index, uuid or bus id in "${line}"`)
  }
  const mig = text('mig.mode.current')
  return {
    index,
    name: text('name') ?? 'NVIDIA GPU',
    uuid,
    pciBusId,
    driver: text('driver_version'),
    computeCapability: text('compute_cap'),
    vramMiB: number('memory.total'),
    vramUsedMiB: number('memory.used'),
    utilizationPercent: number('utilization.gpu'),
    temperatureC: number('temperature.gpu'),
    powerW: number('power.draw'),
    powerLimitW: number('enforced.power.limit'),
    mig: mig === null ? null : mig === 'Enabled',
  }
}

export interface SmiOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly timeoutMs?: number
}

/**
 * The NVIDIA GPUs of this machine; none where nvidia-smi is not installed.
 * @throws GPU_SMI_FAILED when nvidia-smi is installed but fails or hangs: the machine has a GPU it cannot use
 */
export async function queryNvidiaSmi(options: SmiOptions = {}): Promise<SmiGpu[]> {
  try {
    return parseNvidiaSmi(await runSmi(FIELDS, options), FIELDS)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    if ((error as { killed?: boolean }).killed === true) throw failed(error)
  }
  try {
    return parseNvidiaSmi(await runSmi(MINIMAL_FIELDS, options), MINIMAL_FIELDS)
  } catch (error) {
    throw failed(error)
  }
}

const failed = (cause: unknown): NodeError =>
  new NodeError('GPU_SMI_FAILED', `nvidia-smi failed: ${smiReason(cause)}`, {
    cause,
    next: 'run nvidia-smi yourself: the driver may need a restart or an update',
  })

function smiReason(cause: unknown): string {
  const { killed, stdout } = cause as { killed?: boolean; stdout?: string }
  if (killed === true) return 'no answer in time'
  const said = (stdout ?? '').trim().split('\n')[0] ?? ''
  return said === '' ? messageOf(cause).split('\n')[0]! : said
}

function runSmi(fields: readonly string[], options: SmiOptions): Promise<string> {
  const { env = process.env, timeoutMs = 5000 } = options
  const args = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits']
  return new Promise((resolve, reject) => {
    const settings = {
      env,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: 256 * KiB,
    } as const
    execFile('nvidia-smi', args, settings, (error, stdout) => {
      if (error === null) resolve(stdout)
      else reject(Object.assign(error, { stdout }))
    })
  })
}
