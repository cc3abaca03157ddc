/** The residency work in plain JavaScript, page by page: what every fast kernel must equal. */
import { chachaPermute, chachaStart } from './gemm-reference.ts'

/** The 1024 words of one page of the fill. */
export function referencePage(seed: Uint8Array, page: number, iterations: number): Uint32Array {
  const words = new Uint32Array(1024)
  for (let b = 0; b < 64; b++) {
    const block = page * 64 + b
    const high = Math.floor(block / 2 ** 32)
    const x = chachaStart(seed, block >>> 0, [0x56000001, 0, high])
    for (let i = 0; i < iterations; i++) {
      const before = x.slice()
      chachaPermute(x, 8)
      x.forEach((word, w) => {
        x[w] = word + before[w]!
      })
    }
    words.set(x, 16 * b)
  }
  return words
}

const mix = (a: number, v: number): number => {
  const product = Math.imul((a + v) | 0, 0x9e3779b1)
  return (product << 13) | (product >>> 19)
}

/** The 8-byte digest of a page under a key: 64 lanes, each mixing four vectors of four words. */
export function referenceDigest(words: Uint32Array, key: Uint8Array, page: number): Uint8Array {
  const view = new DataView(key.buffer, key.byteOffset, 32)
  const k = Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i, true))
  const digest = new Uint32Array(2)
  for (let lane = 0; lane < 64; lane++) {
    const salt = Math.imul(lane, 0x85ebca77)
    const a = [0, 1, 2, 3].map((c) => ((k[c]! + salt) | 0) ^ page)
    for (let row = 0; row < 4; row++) {
      for (let c = 0; c < 4; c++) a[c] = mix(a[c]!, words[(row * 64 + lane) * 4 + c]!)
    }
    digest[0] = digest[0]! + mix(mix(a[0]!, k[4]!), a[1]!)
    digest[1] = digest[1]! + mix(mix(a[2]!, k[5]!), a[3]!)
  }
  return new Uint8Array(digest.buffer)
}

/** `count` hops of the locality chain in plain JavaScript; state and key are four words each. */
export function referenceHops(
  state: readonly number[],
  key: readonly number[],
  pages: number,
  count: number,
  pageOf: (page: number) => Uint32Array,
): number[] {
  let s = state.map((word) => word | 0)
  for (let hop = 0; hop < count; hop++) {
    const page = Number((BigInt(s[0]! >>> 0) * BigInt(pages)) >> 32n)
    const block = pageOf(page).subarray(16 * (s[1]! & 63))
    const a = s.map((word, c) => (word + key[c]!) | 0)
    for (let row = 0; row < 4; row++) {
      for (let c = 0; c < 4; c++) a[c] = mix(a[c]!, block[4 * row + c]!)
    }
    s = a.map((word, c) => mix(word, a[(c + 1) % 4]!))
  }
  return s.map((word) => word >>> 0)
}
