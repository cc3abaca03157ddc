import { type NowMs, sleep } from '../clock.ts'
import type { GpuDrivers, MachineReading } from './drivers.ts'
import { type Gpu, type GpuFigures, NO_FIGURES } from './gpu.ts'
import { devicesIn } from './inventory.ts'

/** One device at one time. */
export interface GpuSample {
  readonly gpu: Gpu
  readonly atMs: number
  /** `lost`: its driver says that it is unusable, does not list it any more, or does not answer. It may come back. */
  readonly state: 'ok' | 'lost'
  /** Why it is lost; null when it is not. */
  readonly reason: string | null
  /** All null while it is lost. */
  readonly figures: GpuFigures
}

/** What is remembered from one round to the next. */
export interface Telemetry {
  /** Every device seen so far, in the order of its first sight. */
  readonly samples: readonly GpuSample[]
  /** Rounds in a row in which a driver gave no answer in time. */
  readonly timeouts: number
}

/** A driver that is slow once (a busy machine) is not gone; twice in a row it is. */
const PATIENCE = 2

export interface TelemetryOptions {
  readonly drivers: Pick<GpuDrivers, 'read'>
  /** What was detected: the first samples, and the devices that are told of even when no driver knows them any more. */
  readonly first: MachineReading
  /** Between the end of one reading and the start of the next. */
  readonly intervalMs: number
  readonly nowMs: NowMs
  readonly signal: AbortSignal
}

/** Samples of all devices, round after round, until the signal aborts; a failing driver is a sample, never an error. */
export async function* telemetry(options: TelemetryOptions): AsyncGenerator<readonly GpuSample[]> {
  const { drivers, first, intervalMs, nowMs, signal } = options
  let state = firstLook(first, nowMs())
  while (!signal.aborted) {
    yield state.samples
    try {
      await sleep(intervalMs, signal)
    } catch {
      return // the owner stopped: that is how this ends
    }
    state = nextTelemetry(state, await drivers.read(), nowMs())
  }
}

/** The devices of a first reading; throws as `devicesIn` does. */
export function firstLook(first: MachineReading, atMs: number): Telemetry {
  const found = devicesIn(first)
  const samples = found.map(
    (gpu): GpuSample => ({ gpu, atMs, state: 'ok', reason: null, figures: NO_FIGURES }),
  )
  return nextTelemetry({ samples, timeouts: 0 }, first, atMs)
}

/** What a reading changes: devices come, go and come back; those of a CPU are asked of no driver and stay. */
export function nextTelemetry(
  { samples, timeouts }: Telemetry,
  reading: MachineReading,
  atMs: number,
): Telemetry {
  const timedOut = reading.errors.some(({ code }) => code === 'GPU_DRIVER_TIMEOUT')
  const late = timedOut ? timeouts + 1 : 0
  const now = new Map(reading.gpus.map((one) => [one.gpu.id, one]))
  const before = samples.map((sample): GpuSample => {
    const seen = now.get(sample.gpu.id)
    if (seen !== undefined) return sampleOf(seen, atMs)
    if (sample.gpu.vendor === 'cpu') return { ...sample, atMs }
    const missing = missingReason(reading, late, sample.gpu)
    if (missing === undefined) return sample
    return { ...sample, atMs, state: 'lost', reason: missing, figures: NO_FIGURES }
  })
  const known = new Set(samples.map(({ gpu }) => gpu.id))
  const fresh = reading.gpus.filter(({ gpu }) => !known.has(gpu.id))
  return { samples: [...before, ...fresh.map((one) => sampleOf(one, atMs))], timeouts: late }
}

const sampleOf = (
  { gpu, figures, fault }: MachineReading['gpus'][number],
  atMs: number,
): GpuSample =>
  fault === undefined
    ? { gpu, atMs, state: 'ok', reason: null, figures }
    : { gpu, atMs, state: 'lost', reason: fault, figures: NO_FIGURES }

/** Why a device that is not in a reading is lost, by its address if that is named; undefined while it is too early to say. */
function missingReason(
  { errors, unnamed }: MachineReading,
  late: number,
  { id }: Gpu,
): string | undefined {
  if (late > 0 && late < PATIENCE) return undefined
  const said = [...unnamed, ...errors.map(({ message }) => message)]
  const address = /[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]$/.exec(id)?.[0]
  const named = said.find((line) => address !== undefined && line.toLowerCase().includes(address))
  return named ?? said[0] ?? 'its driver does not list it any more'
}
