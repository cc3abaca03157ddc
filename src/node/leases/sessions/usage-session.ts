import { sleep } from '../../../clock.ts'
import type { Container, ContainerUsage } from '../../../containers/engine.ts'
import { NodeError } from '../../../errors.ts'
import type { GpuSample } from '../../../gpu/telemetry.ts'
import { channels, type SessionOf } from '../../../protocols/session.ts'
import { USAGE_EVERY_MS, type UsageSample, usageSample } from '../../../protocols/session-usage.ts'
import { lookAtUsage } from './look-at-usage.ts'
import type { LeaseFacts, SessionRun } from './session-run.ts'
import { untilLeft } from './until-left.ts'
import { whenAborted } from './when-aborted.ts'

/** Who watches one lease at once, whoever they are. */
export const MAX_WATCHERS = 16

const open = new WeakMap<Container, number>()

/**
 * Tells what the container uses, again and again, until the renter leaves or the lease ends. A slow renter gets fewer
 * samples, never older ones.
 * @throws REFUSED_WATCHERS at the limit
 */
export async function runUsage(run: SessionRun<SessionOf<'usage'>>): Promise<void> {
  const { container, channel, closing, left } = run
  using _place = takePlace(container)
  using closed = whenAborted(closing)
  using gone = whenAborted(left)
  const over = new AbortController()
  const telling = tell(run, over.signal)
  try {
    await Promise.race([telling, untilLeft(channel), closed.aborted, gone.aborted])
  } catch (error) {
    throw closing.aborted ? closing.reason : error
  } finally {
    over.abort()
    telling.catch(() => undefined) // it only waited, or had nobody to tell
  }
}

async function tell(
  { container, lease, request, channel }: SessionRun<SessionOf<'usage'>>,
  signal: AbortSignal,
): Promise<never> {
  const { everyMs = USAGE_EVERY_MS } = request
  for (;;) {
    const startMs = performance.now()
    const usage = await lookAtUsage(container)
    await channel.send(channels.stdout, usageSample.encode(sampleOf(usage, lease)))
    await sleep(Math.max(0, startMs + everyMs - performance.now()), signal)
  }
}

/** One sample as it travels; what an engine that does not answer would know is null. */
export function sampleOf(
  usage: ContainerUsage | undefined,
  { terms, diskUsedMiB, gpus }: LeaseFacts,
): UsageSample {
  const measured = new Map(gpus().map((sample) => [sample.gpu.id, sample]))
  return {
    atMs: usage?.atMs ?? Date.now(),
    cpuMs: usage?.cpuMs ?? null,
    milliCpus: terms.milliCpus,
    memoryBytes: usage?.memoryBytes ?? null,
    memoryLimitMiB: terms.memoryMiB,
    rxBytes: usage?.network?.rxBytes ?? null,
    txBytes: usage?.network?.txBytes ?? null,
    diskMiB: diskUsedMiB ?? null,
    diskLimitMiB: terms.diskMiB ?? null,
    processes: usage?.processes ?? null,
    // Of the lease's own devices: what others do here is nobody else's business.
    gpus: terms.devices.map((id) => gpuSampleOf(id, measured.get(id))),
  }
}

const rounded = (value: number | null | undefined, by = 1): number | null =>
  value == null || !Number.isFinite(value) ? null : Math.round(value * by)

const atLeast = (least: number, value: number | null): number | null =>
  value === null ? null : Math.max(least, value)

function gpuSampleOf(id: string, sample: GpuSample | undefined): UsageSample['gpus'][number] {
  const figures = sample?.figures
  const load = rounded(figures?.utilizationPercent)
  return {
    id,
    loadPercent: load === null ? null : Math.min(100, Math.max(0, load)),
    memoryMiB: atLeast(0, rounded(figures?.memoryUsedMiB)),
    temperatureC: atLeast(-273, rounded(figures?.temperatureC)),
    milliWatts: atLeast(0, rounded(figures?.powerW, 1000)),
  }
}

function takePlace(container: Container): Disposable {
  const count = open.get(container) ?? 0
  if (count >= MAX_WATCHERS) {
    throw new NodeError('REFUSED_WATCHERS', `at most ${MAX_WATCHERS} watch a lease at once`, {
      next: 'close some of them first',
    })
  }
  open.set(container, count + 1)
  return { [Symbol.dispose]: () => void open.set(container, open.get(container)! - 1) }
}
