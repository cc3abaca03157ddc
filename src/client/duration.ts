import { NodeError } from '../errors.ts'

const HOUR_MS = 3_600_000

/** In ms, a second at least. @throws BAD_CONFIG_VALUE unless it is a number above 0 */
export function durationOf(hours: number): number {
  if (hours > 0 && Number.isFinite(hours)) return Math.max(1000, Math.round(hours * HOUR_MS))
  throw new NodeError('BAD_CONFIG_VALUE', `hours: ${hours} is no duration`, {
    next: 'give a number above 0, such as 0.5',
  })
}
