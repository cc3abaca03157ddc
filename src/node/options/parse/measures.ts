import { parseWorkHours } from '../../../gpu/work-hours.ts'
import { GiB, hoursMs, KiB, MiB, minutesMs, secondsMs } from '../../../units.ts'
import { expected, type Parse } from './parse.ts'

const withUnit = (units: Readonly<Record<string, number>>, what: string): Parse<number> => {
  const byLowerCase = new Map(Object.entries(units).map(([name, n]) => [name.toLowerCase(), n]))
  return (raw) => {
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(raw.trim())
    const unit = byLowerCase.get(match?.[2]?.toLowerCase() ?? '')
    if (match === null || unit === undefined) throw expected(what, raw)
    return Math.round(Number(match[1]) * unit)
  }
}

/** A length of time with its unit, in milliseconds. */
export const duration: Parse<number> = withUnit(
  { ms: 1, s: secondsMs(1), m: minutesMs(1), h: hoursMs(1), d: hoursMs(24) },
  'a time with a unit, such as 500ms, 30s, 5m, 2h or 1d',
)

/** How long ago, in milliseconds, or a moment as ISO 8601 has it. */
export const ago: Parse<number | string> = (raw) => {
  if (/^\d{4}-\d\d-\d\d/.test(raw) && !Number.isNaN(Date.parse(raw))) return raw
  return withUnit(
    { ms: 1, s: secondsMs(1), m: minutesMs(1), h: hoursMs(1), d: hoursMs(24) },
    'a time such as 10m, 2h or 2026-01-02T03:04:05Z',
  )(raw)
}

/** A size with its unit, in bytes. */
export const size: Parse<number> = withUnit(
  { B: 1, KiB, MiB, GiB, TiB: 1024 * GiB, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  'a size with a unit, such as 512MiB or 2GiB',
)

/** When a machine works, in local time, or the word `always`. */
export const hours: Parse<string> = (raw) => {
  if (raw.toLowerCase() === 'always') return 'always'
  if (parseWorkHours(raw) !== undefined) return raw
  throw expected('hours such as 22:00-06:00, sat-sun or "mon-fri 18:00-08:00", or always', raw)
}
