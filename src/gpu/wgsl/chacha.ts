/**
 * ChaCha (RFC 8439 §2.3) as WGSL text over the variables x0 … x15. Every word has a variable of its own, for an array
 * with computed indexes would live in memory instead of registers.
 */
import { times } from './kernel.ts'

/** "expand 32-byte k", little-endian words. */
const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]

const rotate = (x: string, bits: number): string =>
  `${x} = (${x} << ${bits}u) | (${x} >> ${32 - bits}u);`

/** RFC 8439 §2.1. */
function quarterRound(a: number, b: number, c: number, d: number): string {
  const half = (to: number, from: number, mixed: number, bits: number): string =>
    `x${to} += x${from}; x${mixed} ^= x${to}; ${rotate(`x${mixed}`, bits)}`
  return [half(a, b, d, 16), half(c, d, b, 12), half(a, b, d, 8), half(c, d, b, 7)].join('\n')
}

/** Eight rounds in place. */
export const EIGHT_ROUNDS = `
for (var round = 0u; round < 8u; round += 2u) {
${quarterRound(0, 4, 8, 12)}
${quarterRound(1, 5, 9, 13)}
${quarterRound(2, 6, 10, 14)}
${quarterRound(3, 7, 11, 15)}
${quarterRound(0, 5, 10, 15)}
${quarterRound(1, 6, 11, 12)}
${quarterRound(2, 7, 8, 13)}
${quarterRound(3, 4, 9, 14)}
}`

/**
 * Declares x0 … x15 as the state before any round. `key` is an expression of type array<vec4<u32>, 2>, the others are
 * of type u32.
 */
export const startOfBlock = (
  key: string,
  counter: string,
  nonce: readonly [string, string, string],
): string =>
  times(16, (i) => {
    if (i < 4) return `var x${i} = ${SIGMA[i]}u;`
    if (i < 12) return `var x${i} = ${key}[${(i - 4) >> 2}][${i & 3}];`
    return `var x${i} = ${i === 12 ? counter : nonce[i - 13]};`
  })

/** Keeps the state as y0 … y15. */
export const KEEP = times(16, (i) => `let y${i} = x${i};`)
/** Adds what was kept. */
export const ADD_KEPT = times(16, (i) => `x${i} += y${i};`)

/** Writes the 64 bytes of the state to an array of vec4<u32>, as its block number `block`. */
export const storeBlock = (array: string, block: string): string =>
  times(
    4,
    (q) =>
      `${array}[${block} * 4u + ${q}u] = vec4<u32>(${[0, 1, 2, 3].map((k) => `x${4 * q + k}`).join(', ')});`,
  )
