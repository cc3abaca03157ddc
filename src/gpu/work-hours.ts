/** When a machine may work, in its local time: days of the week (0 is Sunday) and minutes of the day. */
export interface WorkHours {
  readonly days: readonly number[]
  /** Before `to`, or after it when the range goes over midnight; then the day is the one it begins on. */
  readonly from: number
  readonly to: number
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const WHOLE_DAY = { from: 0, to: 24 * 60 }

/** Reads `22:00-06:00`, `sat-sun` or `mon-fri 22:00-06:00`; undefined for anything else. */
export function parseWorkHours(text: string): WorkHours | undefined {
  const match = /^(?:([a-z]{3})(?:-([a-z]{3}))?)?\s*(?:(\d{1,2}:\d{2})-(\d{1,2}:\d{2}))?$/i.exec(
    text.trim(),
  )
  if (match === null || text.trim() === '') return undefined
  const [, firstDay, lastDay, from, to] = match
  const days = firstDay === undefined ? [0, 1, 2, 3, 4, 5, 6] : dayRange(firstDay, lastDay)
  const times = from === undefined || to === undefined ? WHOLE_DAY : timeRange(from, to)
  return days === undefined || times === undefined ? undefined : { days, ...times }
}

function dayRange(first: string, last = first): number[] | undefined {
  const [from, to] = [first, last].map((day) => DAYS.indexOf(day.toLowerCase()))
  if (from === undefined || to === undefined || from < 0 || to < 0) return undefined
  const count = ((to - from + 7) % 7) + 1
  return Array.from({ length: count }, (_, i) => (from + i) % 7)
}

function timeRange(first: string, last: string): Omit<WorkHours, 'days'> | undefined {
  const [from, to] = [first, last].map(minutesOf)
  return from === undefined || to === undefined || from === to ? undefined : { from, to }
}

function minutesOf(text: string): number | undefined {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  const total = hours * 60 + minutes
  return minutes < 60 && total <= WHOLE_DAY.to ? total : undefined
}

/** Whether a time lies in a range, by this machine's clock and time zone. */
export function isWithin({ days, from, to }: WorkHours, nowMs: number): boolean {
  const now = new Date(nowMs)
  const [today, minute] = [now.getDay(), now.getHours() * 60 + now.getMinutes()]
  if (from < to) return days.includes(today) && minute >= from && minute < to
  const yesterday = (today + 6) % 7
  return (days.includes(today) && minute >= from) || (days.includes(yesterday) && minute < to)
}

/** Ranges of a week end within this many days, or never. */
const DAYS_LOOKED = 8

/**
 * When the hours end that last now, by this machine's clock and time zone, ms since 1970: ranges that touch or overlap are
 * one. `nowMs` outside of all; undefined when they never end.
 */
export function openUntil(ranges: readonly WorkHours[], nowMs: number): number | undefined {
  const isOpen = (atMs: number): boolean => ranges.some((range) => isWithin(range, atMs))
  if (ranges.length === 0) return undefined
  if (!isOpen(nowMs)) return nowMs
  const now = new Date(nowMs)
  const endsOf = (day: number): number[] =>
    ranges.map(({ to }) =>
      new Date(now.getFullYear(), now.getMonth(), now.getDate() + day, 0, to).getTime(),
    )
  const ends = Array.from({ length: DAYS_LOOKED }, (_, day) => endsOf(day)).flat()
  return ends.toSorted((a, b) => a - b).find((atMs) => atMs > nowMs && !isOpen(atMs))
}

/** The longest time without a break that they last, ms; undefined: they never end. `nowMs`: in which weeks. */
export function longestOpenMs(ranges: readonly WorkHours[], nowMs: number): number | undefined {
  const now = new Date(nowMs)
  const beginsOf = (day: number): number[] =>
    ranges.map(({ from }) =>
      new Date(now.getFullYear(), now.getMonth(), now.getDate() + day, 0, from).getTime(),
    )
  const begins = Array.from({ length: DAYS_LOOKED }, (_, day) => beginsOf(day)).flat()
  const lengths = begins.map((atMs) => (openUntil(ranges, atMs) ?? Number.POSITIVE_INFINITY) - atMs)
  const longest = Math.max(...lengths)
  return Number.isFinite(longest) ? longest : undefined
}
