import { expected, type Parse } from './parse.ts'

/** Any text but none. */
export const text: Parse<string> = (raw) => {
  if (raw === '') throw expected('a value', raw)
  return raw
}

/** A name of letters, digits, dots, dashes and underscores. */
export const word: Parse<string> = (raw) => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(raw)) throw expected('a name', raw)
  return raw
}

/** One of the words. */
export const oneOf =
  <const V extends readonly string[]>(...words: V): Parse<V[number]> =>
  (raw) => {
    if (!words.includes(raw)) throw expected(words.join(' or '), raw)
    return raw
  }

/** The word `off` as null, anything else as `parse` reads it: an option that a person can take back. */
export const orOff =
  <T>(parse: Parse<T>): Parse<T | null> =>
  (raw) =>
    raw.toLowerCase() === 'off' ? null : parse(raw)

/** A whole number within bounds, both included. */
export const whole =
  (least = 0, most = Number.MAX_SAFE_INTEGER): Parse<number> =>
  (raw) => {
    const value = Number(raw)
    if (/^\d+$/.test(raw) && value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`
    throw expected(`a whole number, ${range}`, raw)
  }

/** Above 0 and at most 100, with two places at most. */
export const percent: Parse<number> = (raw) => {
  const value = Number(raw)
  if (/^\d{1,3}(\.\d{1,2})?$/.test(raw) && value > 0 && value <= 100) return value
  throw expected('percent above 0, at most 100, such as 5 or 2.5', raw)
}

/** A part of a whole, 0 to 1. */
export const share: Parse<number> = (raw) => {
  const value = Number(raw)
  if (raw.trim() === '' || !(value >= 0 && value <= 1)) throw expected('a number from 0 to 1', raw)
  return value
}

/** A port to listen on; 0 picks a free one. */
export const port: Parse<number> = whole(0, 65_535)
