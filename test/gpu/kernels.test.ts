import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { assemble } from '../../scripts/build-kernels.ts'
import { requantize } from '../../src/gpu/gemm-chain.ts'
import { HEAP, loadKernels } from '../../src/gpu/kernels.ts'
import { KERNELS_BASE64, KERNELS_TEXT_HASH } from '../../src/gpu/kernels-wasm.ts'
import { KERNELS_WAT } from '../../src/gpu/kernels-wat.ts'
import { chachaBlock } from '../support/gemm-reference.ts'

test('the committed bytes are what the text assembles to', async () => {
  expect(hash('sha256', KERNELS_WAT)).toBe(KERNELS_TEXT_HASH)
  expect(Buffer.from(await assemble(KERNELS_WAT)).toString('base64')).toBe(KERNELS_BASE64)
})

test('the keystream is ChaCha: RFC 8439 §2.3.2 at 20 rounds, the reference at 8', () => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i)
  const rfc = chachaBlock(key, 1, [0x09000000, 0x4a000000, 0], 20)
  expect(Buffer.from(rfc).toString('hex')).toMatch(/^10f1e7e4d13b5915500fdd1fa32071c4/)

  const kernels = loadKernels()
  kernels.setKey(key)
  kernels.rows(7, 11, 3, 2, 256, HEAP)
  const expected = [3, 4].flatMap((row) =>
    [0, 1, 2, 3].map((b) => chachaBlock(key, b, [7, 11, row], 8)),
  )
  expect(Buffer.from(kernels.memory().slice(HEAP, HEAP + 512))).toEqual(Buffer.concat(expected))
  const words = new Uint8Array(Uint32Array.from(kernels.words(5, 6, 2)).buffer)
  const blocks = [2, 3, 4, 5].map((b) => chachaBlock(key, b, [5, 6, 0], 20))
  expect(Buffer.from(words)).toEqual(Buffer.concat(blocks))
})

test('dot and gemm are exact at the extremes of int8', () => {
  const kernels = loadKernels()
  const n = 256
  kernels.reserve(HEAP + 3 * n * n)
  const x = HEAP + n * n
  kernels.memory().fill(0x80, HEAP, HEAP + 2 * n * n) // every entry −128
  expect(kernels.dot(HEAP, x, n)).toBe(n * 128 * 128)
  kernels.memory().fill(0x7f, x, x + n * n)
  kernels.gemm(HEAP, x, x + n * n, n, n)
  const out = new Int8Array(kernels.memory().buffer, x + n * n, n * n)
  expect(new Set(out)).toEqual(new Set([requantize(-128 * 127 * n)]))
})
