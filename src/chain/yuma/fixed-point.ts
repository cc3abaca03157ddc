/**
 * Signed fixed-point numbers of the runtime as BigInt bits: 32 bits before and 32 after the point (I32F32). Products
 * round down and quotients towards zero, and what does not fit saturates, as in the crate `substrate-fixed` 0.6.
 */
const FRACTION_BITS = 32n
const MOST = 2n ** 63n - 1n
const LEAST = -(2n ** 63n)

/** The bits of 1. */
export const ONE_BITS = 1n << FRACTION_BITS

const saturate = (bits: bigint): bigint => (bits > MOST ? MOST : bits < LEAST ? LEAST : bits)

/** The bits of a whole number. */
export const bitsOf = (whole: number): bigint => saturate(BigInt(whole) << FRACTION_BITS)

export const addBits = (a: bigint, b: bigint): bigint => saturate(a + b)

export const subtractBits = (a: bigint, b: bigint): bigint => saturate(a - b)

/** Rounds towards minus infinity: the runtime shifts the product's bits. */
export const multiplyBits = (a: bigint, b: bigint): bigint => saturate((a * b) >> FRACTION_BITS)

/** Rounds towards zero; 0 when `b` is 0, as the runtime's `safe_div`. */
export const divideBits = (a: bigint, b: bigint): bigint =>
  b === 0n ? 0n : saturate((a << FRACTION_BITS) / b)

/** The runtime's e, which has 23 bits after the point there. */
const E_BITS = 22_802_600n << 9n

/** The series has this many terms; later ones are below the last bit for the inputs that matter. */
const TERMS = 32n

/**
 * e to the power of `bits`, first brought to ±20, with the rounding of the runtime's power series: summed for the
 * magnitude, and its reciprocal taken for what is negative.
 */
export function expBits(bits: bigint): bigint {
  const limit = bitsOf(20)
  const power = bits > limit ? limit : bits < -limit ? -limit : bits
  if (power === ONE_BITS) return E_BITS
  const size = power < 0n ? -power : power
  let sum = size + ONE_BITS
  let term = size
  for (let i = 2n; i < TERMS && term !== 0n; i++) {
    term = ((term * size) >> FRACTION_BITS) / i
    sum += term
  }
  return power < 0n ? divideBits(ONE_BITS, sum) : sum
}
