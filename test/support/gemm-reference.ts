/** The proof's arithmetic in plain JavaScript, one naive step after the other: what every fast kernel must equal. */
import { DOMAIN_C, DOMAIN_X, requantize } from '../../src/gpu/gemm-chain.ts'

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]
const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

function quarterRound(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  const step = (to: number, from: number, mixed: number, bits: number): void => {
    x[to] = x[to]! + x[from]!
    x[mixed] = rotate(x[mixed]! ^ x[to]!, bits)
  }
  step(a, b, d, 16)
  step(c, d, b, 12)
  step(a, b, d, 8)
  step(c, d, b, 7)
}

/** The state of one block before any round (RFC 8439 §2.3): key 32 B, block counter, three nonce words. */
export function chachaStart(
  key: Uint8Array,
  counter: number,
  nonce: readonly [number, number, number],
): Uint32Array {
  const view = new DataView(key.buffer, key.byteOffset, 32)
  const keyWords = Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i, true))
  return Uint32Array.from([...SIGMA, ...keyWords, counter, ...nonce])
}

/** The rounds alone, in place. */
export function chachaPermute(x: Uint32Array, rounds: number): void {
  for (let round = 0; round < rounds; round += 2) {
    for (const i of [0, 1, 2, 3]) quarterRound(x, i, i + 4, i + 8, i + 12)
    for (const i of [0, 1, 2, 3]) {
      quarterRound(x, i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4))
    }
  }
}

/** One 64-byte block of ChaCha with `rounds` rounds. */
export function chachaBlock(
  key: Uint8Array,
  counter: number,
  nonce: readonly [number, number, number],
  rounds: number,
): Uint8Array {
  const start = chachaStart(key, counter, nonce)
  const x = start.slice()
  chachaPermute(x, rounds)
  const out = new DataView(new ArrayBuffer(64))
  x.forEach((word, i) => {
    out.setUint32(4 * i, word + start[i]!, true)
  })
  return new Uint8Array(out.buffer)
}

function randomRow(seed: Uint8Array, domain: number, step: number, row: number, n: number) {
  const blocks = Array.from({ length: n / 64 }, (_, b) =>
    chachaBlock(seed, b, [domain, step, row], 8),
  )
  return new Int8Array(Uint8Array.from(Buffer.concat(blocks)).buffer)
}

/** The rows of a pseudo-random matrix. */
export const randomMatrix = (
  seed: Uint8Array,
  domain: number,
  step: number,
  n: number,
): Int8Array[] => Array.from({ length: n }, (_, row) => randomRow(seed, domain, step, row, n))

function dot(a: Int8Array, b: Int8Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** X_1 … X_steps of the chain, each n·n bytes, row after row. */
export function referenceChain(seed: Uint8Array, n: number, steps: number): Uint8Array[] {
  let x = randomMatrix(seed, DOMAIN_X, 0, n)
  return Array.from({ length: steps }, (_, step) => {
    const c = randomMatrix(seed, DOMAIN_C, step, n)
    x = c.map((row) => Int8Array.from(x, (other) => requantize(dot(row, other))))
    return Uint8Array.from(x.flatMap((row) => [...new Uint8Array(row.buffer)]))
  })
}
