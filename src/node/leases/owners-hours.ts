import { NodeError } from '../../errors.ts'
import { longestOpenMs, openUntil, type WorkHours } from '../../gpu/work-hours.ts'
import { hoursMs } from '../../units.ts'

/** When a machine may work, and the time. */
export interface Hours {
  readonly ranges: readonly WorkHours[]
  readonly nowMs: number
}

/** Why a lease that ends then goes beyond its owner's hours; undefined when it does not. */
export function beyondHours({ ranges, nowMs }: Hours, endsAtMs: number): string | undefined {
  const untilMs = openUntil(ranges, nowMs)
  if (untilMs === undefined || endsAtMs <= untilMs) return undefined
  return `its owner's hours end at ${new Date(untilMs).toISOString().slice(0, 16)}Z`
}

/** What an owner's hours say against a lease that begins now; undefined when they say nothing. */
export function hoursRefusal(hours: Hours, durationMs: number): NodeError | undefined {
  const why = beyondHours(hours, hours.nowMs + durationMs)
  const leftMs = (openUntil(hours.ranges, hours.nowMs) ?? 0) - hours.nowMs
  return why === undefined ? undefined : refused(`${why}, in ${inHours(leftMs)} hours`)
}

/** The same of a lease that may begin at any time: who waits for what fits in no hours waits for nothing. */
export function neverInHours({ ranges, nowMs }: Hours, durationMs: number): NodeError | undefined {
  const longestMs = longestOpenMs(ranges, nowMs)
  if (longestMs === undefined || durationMs <= longestMs) return undefined
  return refused(`its owner's hours last ${inHours(longestMs)} hours at most`)
}

/** Rounded down: a lease of that length fits. */
const inHours = (ms: number): number => Math.floor((ms / hoursMs(1)) * 100) / 100

const refused = (why: string): NodeError =>
  new NodeError('REFUSED_POLICY', `a lease would go beyond them: ${why} (its rule work-hours)`, {
    next: 'change --hours, or take another offer',
    rule: 'work-hours',
  })
