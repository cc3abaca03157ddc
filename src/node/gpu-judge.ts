import type { NowMs } from '../clock.ts'
import { FREE, type LimitsVerdict, limitsVerdict, nextMeanLoad } from '../gpu/limits.ts'
import type { GpuSample } from '../gpu/telemetry.ts'
import type { GpuStanding } from './own-gpus.ts'
import type { OwnLimits } from './own-limits.ts'
import { inputUse, isUsedByOthers } from './owner-use.ts'
import type { PowerCaps } from './power-caps.ts'

/** Holds GPUs against their owner's limits, round after round. */
export interface GpuJudge {
  judge(samples: readonly GpuSample[]): Promise<readonly GpuStanding[]>
}

interface Needs {
  readonly limits: Pick<OwnLimits, 'now'>
  readonly powerCaps: Pick<PowerCaps, 'apply'>
  /** Containers of this node's leases: what runs in them is its own. */
  readonly containerIds: () => readonly string[]
  readonly nowMs: NowMs
}

/** A machine with GPUs offers its processor with them, not beside them; leases that hold it go on. */
const REPLACED = 'a GPU was found, and the processor is its host now'

/** What is remembered of a GPU from one round to the next. */
interface Memory {
  readonly verdict: LimitsVerdict
  readonly meanLoadPercent: number | null
  readonly atMs: number
}

export function createGpuJudge({ limits, powerCaps, containerIds, nowMs }: Needs): GpuJudge {
  const memories = new Map<string, Memory>()

  /** Who else uses a GPU, or the machine it is in; null for nobody. */
  async function usedBy({ figures }: GpuSample, input: string | null): Promise<string | null> {
    const pids = figures.processes?.map(({ pid }) => pid) ?? []
    const own = { pid: process.pid, containerIds: containerIds() }
    return (await isUsedByOthers(pids, own)) ? 'another program computes on it' : input
  }

  function remember(sample: GpuSample, verdict: LimitsVerdict, atMs: number): void {
    const before = memories.get(sample.gpu.id)
    memories.set(sample.gpu.id, { verdict, meanLoadPercent: meanLoad(sample, before, atMs), atMs })
  }

  return {
    async judge(samples) {
      const [asked, atMs] = [limits.now(), nowMs()]
      const capped = await powerCaps.apply(samples, asked.maxPowerW)
      const input = asked.pauseWhenUsed ? await inputUse() : null
      const standings: GpuStanding[] = []
      const hasGpu = samples.some(({ gpu }) => gpu.vendor !== 'cpu')
      const isReplaced = ({ gpu }: GpuSample): boolean => hasGpu && gpu.vendor === 'cpu'
      for (const sample of samples) {
        const before = memories.get(sample.gpu.id)
        const isPowerCapped = capped.has(sample.gpu.id)
        const verdict =
          sample.state === 'lost'
            ? (before?.verdict ?? FREE)
            : limitsVerdict(
                asked,
                {
                  ...sample.figures,
                  meanLoadPercent: meanLoad(sample, before, atMs),
                  isPowerCapped,
                  usedBy: asked.pauseWhenUsed ? await usedBy(sample, input ?? null) : null,
                },
                atMs,
                before?.verdict,
              )
        remember(sample, verdict, atMs)
        const blind = input === undefined ? (['pauseWhenUsed'] as const) : []
        const standing = standingOf(sample, verdict, isPowerCapped, blind)
        standings.push(isReplaced(sample) ? { ...standing, paused: REPLACED } : standing)
      }
      return standings
    },
  }
}

const meanLoad = (
  { figures }: GpuSample,
  before: Memory | undefined,
  atMs: number,
): number | null =>
  nextMeanLoad(
    before?.meanLoadPercent ?? null,
    figures.utilizationPercent,
    before === undefined ? 0 : atMs - before.atMs,
  )

const standingOf = (
  sample: GpuSample,
  { crossings, unmeasured }: LimitsVerdict,
  isPowerCapped: boolean,
  blind: readonly 'pauseWhenUsed'[],
): GpuStanding => ({
  sample,
  paused: crossings.length === 0 ? null : crossings.map(({ reason }) => reason).join(', '),
  isPowerCapped,
  unmeasured: [...unmeasured, ...blind],
})
