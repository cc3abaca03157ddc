import { minutesMs, secondsMs } from '../units.ts'
import type { GpuFigures } from './gpu.ts'
import { isWithin, parseWorkHours } from './work-hours.ts'

/** How far an owner lets its GPUs be used; null or empty: no limit. */
export interface GpuLimits {
  readonly maxTempC: number | null
  readonly maxPowerW: number | null
  /** Of all time, averaged over some minutes. */
  readonly maxLoadPercent: number | null
  /** When it may work, as `parseWorkHours` reads it; in any of them. */
  readonly workHours: readonly string[]
  /** Pause while somebody else uses the machine or the GPU. */
  readonly pauseWhenUsed: boolean
}

export type LimitName = keyof GpuLimits

/** What is known of one GPU when it is judged. */
export interface LimitSample extends Pick<GpuFigures, 'temperatureC' | 'powerW'> {
  /** `nextMeanLoad` of its load; null where the driver does not tell it. */
  readonly meanLoadPercent: number | null
  /** Whether the driver itself keeps the power below the limit. */
  readonly isPowerCapped: boolean
  /** Who else uses the machine or the GPU; null for nobody. */
  readonly usedBy: string | null
}

/** A limit that is crossed: until it has been well kept again for a while. */
export interface Crossing {
  readonly limit: LimitName
  /** Says what the owner asked for, not what is measured, so that it stays the same while it lasts. */
  readonly reason: string
  /** When it was last too near. */
  readonly lastMs: number
}

export interface LimitsVerdict {
  /** Empty: it may work. */
  readonly crossings: readonly Crossing[]
  /** Limits that cannot be kept, for what they limit is not measured here. */
  readonly unmeasured: readonly LimitName[]
}

export const NO_LIMITS: GpuLimits = {
  maxTempC: null,
  maxPowerW: null,
  maxLoadPercent: null,
  workHours: [],
  pauseWhenUsed: false,
}
export const FREE: LimitsVerdict = { crossings: [], unmeasured: [] }

/** How much better than its limit a figure must be before work begins again: it rises again with the work. */
const CALM = { maxTempC: 5, powerShare: 0.9, loadShare: 0.8 }
/** For how long, so that a GPU near a limit is not announced and withdrawn by turns. */
const CALM_MS = secondsMs(60)

interface Look {
  readonly limit: LimitName
  readonly reason: string
  /** Null: not measured. */
  readonly isCrossed: boolean | null
  /** Too near to begin again. */
  readonly isNear: boolean
  readonly calmMs: number
}

/** Whether a GPU may work now, under its owner's limits and after what was said before. */
export function limitsVerdict(
  limits: GpuLimits,
  sample: LimitSample,
  nowMs: number,
  before: LimitsVerdict = FREE,
): LimitsVerdict {
  const looks = looksAt(limits, sample, nowMs)
  return {
    crossings: looks.flatMap((look) => crossing(look, nowMs, before) ?? []),
    unmeasured: looks.filter(({ isCrossed }) => isCrossed === null).map(({ limit }) => limit),
  }
}

function crossing(look: Look, nowMs: number, { crossings }: LimitsVerdict): Crossing | undefined {
  const { limit, reason, isCrossed, isNear, calmMs } = look
  const standing = crossings.find((one) => one.limit === limit)
  if (isCrossed === true || (standing !== undefined && isNear)) {
    return { limit, reason, lastMs: nowMs }
  }
  // A clock that was set back must not keep it paused.
  const calmForMs = standing === undefined ? 0 : Math.abs(nowMs - standing.lastMs)
  if (standing === undefined || calmForMs >= calmMs) return undefined
  return { ...standing, reason }
}

function looksAt(limits: GpuLimits, sample: LimitSample, nowMs: number): Look[] {
  const { maxTempC, maxPowerW, maxLoadPercent, workHours, pauseWhenUsed } = limits
  const { temperatureC, powerW, meanLoadPercent, isPowerCapped, usedBy } = sample
  const looks: Look[] = []
  const figure = (
    limit: LimitName,
    value: number | null,
    most: number,
    calm: number,
    reason: string,
  ): void => {
    const isCrossed = value === null ? null : value > most
    looks.push({ limit, reason, isCrossed, isNear: (value ?? 0) > calm, calmMs: CALM_MS })
  }
  if (maxTempC !== null) {
    const calm = maxTempC - CALM.maxTempC
    figure('maxTempC', temperatureC, maxTempC, calm, `hotter than ${maxTempC} °C`)
  }
  if (maxPowerW !== null && !isPowerCapped) {
    const calm = maxPowerW * CALM.powerShare
    figure('maxPowerW', powerW, maxPowerW, calm, `drew more than ${maxPowerW} W`)
  }
  if (maxLoadPercent !== null) {
    const calm = maxLoadPercent * CALM.loadShare
    const reason = `busy for more than ${maxLoadPercent} % of the time`
    figure('maxLoadPercent', meanLoadPercent, maxLoadPercent, calm, reason)
  }
  if (workHours.length > 0) {
    const isOut = !workHours.some((text) => mayWorkAt(text, nowMs))
    const reason = `works ${workHours.join(', ')} only`
    looks.push({ limit: 'workHours', reason, isCrossed: isOut, isNear: isOut, calmMs: 0 })
  }
  if (pauseWhenUsed) {
    const isUsed = usedBy !== null
    const reason = usedBy ?? 'was used a moment ago'
    looks.push({
      limit: 'pauseWhenUsed',
      reason,
      isCrossed: isUsed,
      isNear: isUsed,
      calmMs: CALM_MS,
    })
  }
  return looks
}

/** What does not read as hours allows nothing: it never passes the edge. */
function mayWorkAt(text: string, nowMs: number): boolean {
  const hours = parseWorkHours(text)
  return hours !== undefined && isWithin(hours, nowMs)
}

/** How far back the average of the load reaches. */
const LOAD_MEMORY_MS = minutesMs(5)

/** The load averaged over the last minutes, the newest counting most; time before the first sample counts as idle. */
export function nextMeanLoad(
  mean: number | null,
  loadPercent: number | null,
  elapsedMs: number,
): number | null {
  if (loadPercent === null) return null
  const weight = 1 - Math.exp(-Math.max(0, elapsedMs) / LOAD_MEMORY_MS)
  return (mean ?? 0) + weight * (loadPercent - (mean ?? 0))
}
