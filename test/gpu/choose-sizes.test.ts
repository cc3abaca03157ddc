import { describe, expect, test } from 'vitest'
import type { ProofSizes } from '../../src/gpu/backend.ts'
import { chooseSizes, type SizingFacts, smallerSizes } from '../../src/gpu/choose-sizes.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { isProvable } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { GiB, MiB } from '../../src/units.ts'

const facts = (name: string, vramMiB: number, over: Partial<SizingFacts> = {}): SizingFacts => ({
  network: 'finney',
  gpu: { vendor: 'nvidia', name, vramMiB },
  backend: 'cuda',
  isSoftware: false,
  usedMiB: 0,
  ...over,
})
const amd = (name: string, vramMiB: number, over: Partial<SizingFacts> = {}) =>
  facts(name, vramMiB, { backend: 'webgpu', gpu: { vendor: 'amd', name, vramMiB }, ...over })
const apple = (vramMiB: number) =>
  amd('Apple M2', vramMiB, { gpu: { vendor: 'apple', name: 'Apple M2', vramMiB }, usedMiB: null })

/** n, and the fill in GiB with two decimals. */
test.each<[string, SizingFacts, number, number]>([
  ['H100 80 GB', facts('NVIDIA H100 80GB HBM3', 81_559), 16_384, 77.71],
  ['H200', facts('NVIDIA H200', 143_771), 16_384, 138.33],
  ['B200', facts('NVIDIA B200', 183_359), 32_768, 174.62],
  [
    'RTX 4090 that shows a desktop',
    facts('NVIDIA GeForce RTX 4090', 24_564, { usedMiB: 900 }),
    16_384,
    21.3,
  ],
  ['L4', facts('NVIDIA L4', 23_034), 16_384, 20.68],
  ['unknown, 8 GiB', facts('NVIDIA Something', 8188), 8192, 6.79],
  ['unknown, 4 GiB, use untold', facts('NVIDIA Something', 4096, { usedMiB: null }), 8192, 3.05],
  ['AMD 16 GiB by WebGPU', amd('Radeon RX 6800', 16_368), 8192, 14.76],
  ['its bindings end at 128 MiB', amd('Radeon RX 6800', 16_368, { maxN: 4096 }), 4096, 14.9],
  ['one that shares 16 GiB with the machine', apple(16_384), 4096, 6.44],
  ['a small one', amd('Radeon 530', 1024), 4096, 0.83],
])('%s', (_, given, n, fillGiB) => {
  const sizes = chooseSizes(given)!
  expect(sizes.n).toBe(n)
  expect(sizes.bytes / GiB).toBeCloseTo(fillGiB, 2)
  expect(sizes.bytes % FILL_UNIT_BYTES).toBe(0)
  expect(isProvable(slotNetworks.finney, sizes)).toBe(true)
})

describe('whatever the memory', () => {
  test.each([64, 300, 1024, 2048, 6144, 12_288, 49_152, 196_608, 2_097_152])(
    '%i MiB',
    (vramMiB) => {
      const sizes = chooseSizes(facts('NVIDIA Something', vramMiB))
      if (sizes === undefined) return expect(vramMiB).toBeLessThan(128)
      const { n, bytes } = sizes
      const reserve = Math.min(GiB, (vramMiB * MiB) / 8)
      // Matrices, the tree over one of them, the fill, its digests and their tree, and the reserve.
      const held = 3 * n * n + (n * n) / 16 + bytes * (1 + (1024 + 128) / FILL_UNIT_BYTES) + reserve
      expect(held).toBeLessThanOrEqual(vramMiB * MiB)
    },
  )
})

test('too little memory, or too small bindings: no sizes', () => {
  expect(chooseSizes(facts('NVIDIA H100', 81_559, { usedMiB: 81_000 }))).toBeUndefined()
  expect(chooseSizes(facts('Something', 0))).toBeUndefined()
  expect(chooseSizes(amd('Radeon', 16_368, { maxN: 1024 }))).toBeUndefined()
})

test('a local network takes little of everything, and least of software', () => {
  const local = { network: 'local' } as const
  expect(chooseSizes(facts('NVIDIA H100', 81_559, local))).toEqual(slotNetworks.local.cpuSizes)
  const software = chooseSizes(amd('SwiftShader', 4096, { ...local, isSoftware: true }))
  expect(software).toEqual({ n: 256, bytes: MiB })
})

test('smaller and smaller, until nothing would be shown', () => {
  const tried: ProofSizes[] = []
  const first = chooseSizes(facts('NVIDIA H100 80GB HBM3', 81_559))!
  for (let sizes = smallerSizes(first, 2048); sizes; sizes = smallerSizes(sizes, 2048)) {
    tried.push(sizes)
  }
  expect(tried[0]).toMatchObject({ n: 16_384 })
  expect(tried[0]!.bytes / first.bytes).toBeCloseTo(7 / 8, 2)
  expect(tried.every((sizes) => isProvable(slotNetworks.finney, sizes))).toBe(true)
  expect(tried.every(({ bytes }, i) => bytes < (tried[i - 1] ?? first).bytes)).toBe(true)
  expect(tried.at(-1)).toMatchObject({ n: 2048 })
  expect(smallerSizes({ n: 256, bytes: MiB }, 256)).toBeUndefined()
})
