import type { Bytes } from './hash.ts'
import { KERNELS_BASE64 } from './kernels-wasm.ts'

interface Exports {
  readonly memory: WebAssembly.Memory
  chacha(
    key: number,
    counter: number,
    nonce0: number,
    nonce1: number,
    nonce2: number,
    out: number,
    blocks: number,
    rounds: number,
  ): void
  dot(a: number, b: number, n: number): number
  gemm(c: number, x: number, out: number, n: number, rows: number): void
  fill(
    key: number,
    counter: number,
    nonce0: number,
    nonce1: number,
    nonce2: number,
    out: number,
    blocks: number,
    iterations: number,
  ): void
  digest(key: number, from: number, page: number, pages: number, out: number): void
  hops(state: number, base: number, pages: number, count: number): void
  hops4(
    key: number,
    states: number,
    domain: number,
    pages: number,
    count: number,
    iterations: number,
  ): void
}

/** The CPU kernels over one growing memory. Addresses are byte offsets; buffers belong at HEAP and above. */
export interface Kernels {
  /** Writes `count` pseudo-random rows of n int8 from row `first` on; row j is the ChaCha8 stream of nonce (domain, step, j). */
  rows(domain: number, step: number, first: number, count: number, n: number, out: number): void
  /** 16 words of the ChaCha20 stream of nonce (domain, step, 0), four blocks from `block` on: 64 words. */
  words(domain: number, step: number, block: number): Uint32Array
  /** Writes `count` pages of 4096 B of the slow fill from page `first` on; nonce (domain, 0, high word of the block). */
  fill(domain: number, first: number, count: number, iterations: number, out: number): void
  /** Writes the 8-byte digests of `count` pages at `from`, numbered from page `first` on (below 2³²). */
  digest(from: number, first: number, count: number, out: number): void
  /** Makes `count` dependent hops over `pages` pages at `from`: the state (16 B) after them; `key` is 16 B. */
  hops(state: Bytes, key: Bytes, from: number, pages: number, count: number): Bytes
  /** The same for up to four states at once over a fill that is not there: each block is computed under the set key. */
  hopsWithoutFill(
    states: readonly Bytes[],
    key: Bytes,
    fill: { readonly domain: number; readonly pages: number; readonly iterations: number },
    count: number,
  ): Bytes[]
  dot(a: number, b: number, n: number): number
  /** Makes `rows` rows of n columns: out[j][i] = requantize(c[j] · x[i]). */
  gemm(c: number, x: number, out: number, n: number, rows: number): void
  /** The key of the streams that follow, 32 B. */
  setKey(seed: Bytes): void
  /** Grows the memory to at least `end` bytes. */
  reserve(end: number): void
  /** The memory now; stale after the next `reserve`. */
  memory(): Uint8Array<ArrayBuffer>
}

const KEY = 0
const SCRATCH = 1024
/** A page of memory, and how many 64-byte blocks of the fill it takes. */
export const PAGE_BYTES = 4096
const BLOCKS_PER_PAGE = PAGE_BYTES / 64
/** The first address free for buffers. */
export const HEAP = 4096

/** Four little-endian words. */
const wordsOf = (bytes: Bytes): Uint32Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  return Uint32Array.from([0, 4, 8, 12], (at) => view.getUint32(at, true))
}

let compiled: WebAssembly.Module | undefined

/** A fresh instance of the kernels; the module is compiled once per thread, in about a millisecond. */
export function loadKernels(): Kernels {
  compiled ??= new WebAssembly.Module(
    Uint8Array.from(atob(KERNELS_BASE64), (character) => character.charCodeAt(0)),
  )
  const wasm = new WebAssembly.Instance(compiled).exports as unknown as Exports
  const memory = (): Uint8Array<ArrayBuffer> => new Uint8Array(wasm.memory.buffer as ArrayBuffer)
  return {
    rows(domain, step, first, count, n, out) {
      for (let i = 0; i < count; i++) {
        wasm.chacha(KEY, 0, domain, step, first + i, out + i * n, n >> 6, 8)
      }
    },
    words(domain, step, block) {
      wasm.chacha(KEY, block, domain, step, 0, SCRATCH, 4, 20)
      return new Uint32Array(wasm.memory.buffer, SCRATCH, 64)
    },
    fill(domain, first, count, iterations, out) {
      for (let i = 0; i < count; i++) {
        const block = (first + i) * BLOCKS_PER_PAGE
        const high = Math.floor(block / 2 ** 32)
        const at = out + i * PAGE_BYTES
        wasm.fill(KEY, block >>> 0, domain, 0, high, at, BLOCKS_PER_PAGE, iterations)
      }
    },
    digest: (from, first, count, out) => wasm.digest(KEY, from, first, count, out),
    hops(state, key, from, pages, count) {
      memory().set(state, SCRATCH)
      memory().set(key, SCRATCH + 16)
      wasm.hops(SCRATCH, from, pages, count)
      return memory().slice(SCRATCH, SCRATCH + 16)
    },
    hopsWithoutFill(states, key, { domain, pages, iterations }, count) {
      const words = new Uint32Array(wasm.memory.buffer, SCRATCH, 16)
      const given = states.map((state) => wordsOf(state))
      for (let c = 0; c < 4; c++) {
        for (let i = 0; i < 4; i++) words[4 * c + i] = (given[i] ?? given[0]!)[c]!
      }
      memory().set(key, SCRATCH + 64)
      wasm.hops4(KEY, SCRATCH, domain, pages, count, iterations)
      return states.map((_, i) => {
        const after = Uint32Array.from([0, 1, 2, 3], (c) => words[4 * c + i]!)
        return new Uint8Array(after.buffer)
      })
    },
    dot: (a, b, n) => wasm.dot(a, b, n),
    gemm: (c, x, out, n, rows) => wasm.gemm(c, x, out, n, rows),
    setKey: (seed) => memory().set(seed, KEY),
    reserve(end) {
      const lack = end - wasm.memory.buffer.byteLength
      if (lack > 0) wasm.memory.grow(Math.ceil(lack / 65536))
    },
    memory,
  }
}
