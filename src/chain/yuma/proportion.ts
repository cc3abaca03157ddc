/**
 * Proportions of the runtime (I32F32, nothing negative) as doubles that hold their bits, a whole number: 2^32 is 1.
 * Within the bounds stated here every step is a whole number below 2^53, so doubles give the very bits that
 * `fixed-point.ts` gives, many times faster; test/chain/yuma/proportion.test.ts holds the two together.
 */
export const ONE = 2 ** 32

const DIGIT = 2 ** 16

/** a·b rounded down, for b ≤ 2^36 (16 times 1) and a·b/2^32 below 2^52: two digits of `a` are shifted out in turn. */
export function multiply(a: number, b: number): number {
  const high = Math.floor(a / ONE)
  const rest = a - high * ONE
  const middle = Math.floor(rest / DIGIT)
  const carry = Math.floor(((rest - middle * DIGIT) * b) / DIGIT)
  return high * b + Math.floor((middle * b + carry) / DIGIT)
}

/** a·b rounded up, within the bounds of `multiply`. */
export function multiplyUp(a: number, b: number): number {
  const high = Math.floor(a / ONE)
  const rest = a - high * ONE
  const middle = Math.floor(rest / DIGIT)
  const first = (rest - middle * DIGIT) * b
  const carry = Math.floor(first / DIGIT)
  const second = middle * b + carry
  const down = high * b + Math.floor(second / DIGIT)
  return first % DIGIT === 0 && second % DIGIT === 0 ? down : down + 1
}

const STEP = 2 ** 8

/**
 * a/b rounded down, 0 for b = 0; for a and b below 2^45 (8192 times 1) and a quotient below 2^21. Long division, eight
 * bits at a time: the floor of a quotient of whole numbers below 2^53 is exact in doubles.
 */
export function divide(a: number, b: number): number {
  if (b === 0) return 0
  let quotient = Math.floor(a / b)
  let rest = a - quotient * b
  for (let digit = 0; digit < 4; digit++) {
    const scaled = rest * STEP
    const next = Math.floor(scaled / b)
    quotient = quotient * STEP + next
    rest = scaled - next * b
  }
  return quotient
}

/** part/whole of two plain whole numbers; part below 2^21, whole below 2^53. 0 for whole = 0. */
export const ratio = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.floor((part * ONE) / whole)

/** A u16 of 65535 as a proportion. */
export const ofU16 = (value: number): number => ratio(value, 65_535)

/** A proportion as u16 of 65535, rounded down. */
export const toU16 = (bits: number): number => Math.min(65_535, Math.floor((bits * 65_535) / ONE))

export function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}

/** Each value's part of the whole; unchanged when the whole is 0. */
export function normalise(values: readonly number[]): number[] {
  const whole = sum(values)
  return whole === 0 ? [...values] : values.map((value) => divide(value, whole))
}
