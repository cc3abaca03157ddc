/** What was written for a setting: its value, or what is wrong with it. */
export type Written<T> = { readonly value: T } | { readonly error: string }

/** A whole number between two others; nothing lifts the setting. */
export const wholeBetween =
  (min: number, max: number) =>
  (text: string): Written<number | null> => {
    if (text.trim() === '') return { value: null }
    const value = Number(text)
    return Number.isInteger(value) && value >= min && value <= max
      ? { value }
      : { error: `a whole number from ${min} to ${max}, or nothing` }
  }

/** The same where nothing is no value. */
export const wholeFrom =
  (min: number, max: number) =>
  (text: string): Written<number> => {
    const written = wholeBetween(min, max)(text)
    if ('error' in written || written.value === null) {
      return { error: `a whole number from ${min} to ${max}` }
    }
    return { value: written.value }
  }

/** Decimal text of an amount; nothing lifts the setting. */
const decimalOf =
  (error: string) =>
  (text: string): Written<string | null> => {
    const amount = text.trim()
    if (amount === '') return { value: null }
    return /^\d{1,12}(\.\d{1,6})?$/.test(amount) ? { value: amount } : { error }
  }

/** A price per hour. */
export const priceOf = decimalOf('a price such as 1.25, or nothing')

/** The most that something may cost. */
export const capOf = decimalOf('an amount such as 12.5, or nothing')

/** Percent above 0. */
export function percentOf(text: string): Written<number | null> {
  if (text.trim() === '') return { value: null }
  const value = Number(text)
  return value > 0 && value <= 100
    ? { value }
    : { error: 'a percentage above 0, at most 100, or nothing' }
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A duration such as `30 min`, `1 h 30 min` or `7d`. */
export function durationOf(text: string): Written<number | null> {
  if (text.trim() === '') return { value: null }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(min|s|m|h|d)\b\s*/g)]
  const read = parts.map(([whole]) => whole).join('')
  if (parts.length === 0 || read.trim() !== text.trim()) {
    return { error: 'a duration such as 30 min, 2 h or 7 d' }
  }
  const ms = parts.map(([, count, unit]) => Number(count) * unitMs[unit === 'm' ? 'min' : unit!]!)
  return { value: ms.reduce((sum, one) => sum + one, 0) }
}

/** The same where nothing is no value. */
export function someDurationOf(text: string): Written<number> {
  const written = durationOf(text)
  if ('error' in written) return written
  return written.value === null ? { error: 'a duration such as 1 d' } : { value: written.value }
}

const DAYS = '(?:mon|tue|wed|thu|fri|sat|sun)'
const HOURS = '\\d{1,2}:\\d{2}-\\d{1,2}:\\d{2}'
const range = new RegExp(`^(?:${DAYS}(?:-${DAYS})?(?: ${HOURS})?|${HOURS})$`)

/** Hours of work, with commas between; nothing is always. */
export function hoursOf(text: string): Written<readonly string[]> {
  const value = listed(text)
  const wrong = value.find((one) => !range.test(one))
  return wrong === undefined
    ? { value }
    : { error: `“${wrong}” is not like 22:00-06:00, sat-sun or mon-fri 18:00-08:00` }
}

/** PeerIds, with commas or spaces between. */
export function peersOf(text: string): Written<readonly string[]> {
  const value = listed(text.replaceAll(/\s+/g, ','))
  const wrong = value.find((one) => !/^(12D3Koo|Qm|16Uiu2)[1-9A-HJ-NP-Za-km-z]{20,}$/.test(one))
  return wrong === undefined ? { value } : { error: `“${wrong}” is no peer id` }
}

const listed = (text: string): string[] =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
