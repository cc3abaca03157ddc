import { describe, expect, test } from 'vitest'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { RenderNode } from '../../src/gpu/sources/render-nodes.ts'
import { type UnclaimedFacts, unclaimedGpus } from '../../src/gpu/unclaimed-gpus.ts'
import type { WebgpuAdapter } from '../../src/gpu/webgpu-adapters.ts'
import { GiB } from '../../src/units.ts'

const adapter = (
  name: string,
  vendor: string,
  over: Partial<WebgpuAdapter> = {},
): WebgpuAdapter => ({
  name,
  driver: 'vulkan',
  vendor,
  architecture: '',
  description: '',
  isSoftware: false,
  count: 1,
  maxBufferBytes: 2 ** 31,
  maxBindingBytes: 2 ** 30,
  ...over,
})
const node = (address: string, vendor: string, model: string, vramMiB: number | null = null) => ({
  address,
  vendor,
  model,
  vramMiB,
  usedMiB: null,
  utilizationPercent: null,
})
const inside: RenderNode = {
  vendor: 'platform',
  model: '',
  vramMiB: null,
  usedMiB: null,
  utilizationPercent: null,
}

const radv = adapter('AMD Radeon RX 6800 (RADV NAVI21)', 'amd', { architecture: 'rdna-2' })
const amdvlk = adapter('AMD Radeon RX 6800', 'amd')
const arc = adapter('Intel(R) Arc(tm) A770 Graphics (DG2)', 'intel')
const uhd = adapter('Intel(R) UHD Graphics 770 (ADL-S GT1)', 'intel')
const nvidia = adapter('NVIDIA GeForce RTX 4090', 'nvidia')
const software = adapter('llvmpipe (LLVM 22.1.8, 256 bits)', 'mesa', { isSoftware: true })
const navi = node('0000:03:00.0', 'amd', '0x73bf', 16_368)
const navi2 = node('0000:04:00.0', 'amd', '0x73bf', 16_368)
const xeon = node('0000:00:02.0', 'intel', '0x4680')
const dg2 = node('0000:05:00.0', 'intel', '0x56a0')

const found = (facts: Partial<UnclaimedFacts>): Gpu[] =>
  unclaimedGpus({
    adapters: [],
    nodes: undefined,
    claimed: new Set(),
    told: [],
    machineBytes: 32 * GiB,
    ...facts,
  })
const ids = (facts: Partial<UnclaimedFacts>): string[] => found(facts).map(({ id }) => id)

test('a GPU without a tool, with all that is known of it', () => {
  const [gpu, ...others] = found({ adapters: [radv, software], nodes: [navi] })
  expect(others).toEqual([])
  expect(gpu).toEqual({
    id: 'pci-0000:03:00.0',
    vendor: 'amd',
    name: radv.name,
    vramMiB: 16_368,
    architecture: 'rdna-2',
    foundBy: 'webgpu',
  })
})

describe('one chip never becomes two devices', () => {
  test.each<[string, Partial<UnclaimedFacts>]>([
    ['its tool answers', { adapters: [nvidia], claimed: new Set(['nvidia']) }],
    [
      'told of under another vendor',
      { adapters: [nvidia], told: [{ ...nvidia, id: 'a', vramMiB: 0 }] },
    ],
    ['software', { adapters: [software] }],
    ['the kernel knows no GPU of this vendor', { adapters: [nvidia], nodes: [navi] }],
  ])('none: %s', (_, facts) => {
    expect(found(facts)).toEqual([])
  })

  test('two drivers of one card are one card', () => {
    expect(ids({ adapters: [radv, amdvlk], nodes: [navi] })).toEqual(['pci-0000:03:00.0'])
    expect(ids({ adapters: [radv, amdvlk] })).toEqual(['webgpu-radeon-rx-6800'])
    const renamed = adapter('AMD Navi 21', 'amd')
    expect(ids({ adapters: [radv, renamed], nodes: [navi] })).toEqual(['pci-0000:03:00.0'])
  })

  test('a vendor whose tool answers hides none of another', () => {
    const claimed = new Set(['amd'])
    expect(ids({ adapters: [radv, arc], nodes: [navi, dg2], claimed })).toEqual([
      'pci-0000:05:00.0',
    ])
  })
})

describe('addresses are told where they are certain', () => {
  const pair = { ...radv, count: 2 }
  test('as many adapters of one model as the kernel has', () => {
    expect(ids({ adapters: [pair], nodes: [navi, navi2] })).toEqual([
      'pci-0000:03:00.0',
      'pci-0000:04:00.0',
    ])
  })

  test.each<[string, Partial<UnclaimedFacts>, string[]]>([
    [
      'a container sees one of two',
      { adapters: [radv], nodes: [navi, navi2] },
      ['webgpu-radeon-rx-6800'],
    ],
    [
      'the kernel is not asked',
      { adapters: [pair] },
      ['webgpu-radeon-rx-6800', 'webgpu-radeon-rx-6800-2'],
    ],
    [
      'two models',
      { adapters: [arc, uhd], nodes: [xeon, dg2] },
      ['webgpu-arc-a770', 'webgpu-uhd-770'],
    ],
  ])('%s: not', (_, facts, expected) => {
    expect(ids(facts)).toEqual(expected)
  })
})

test.each<[string, Partial<UnclaimedFacts>, number]>([
  ["Intel's inside the processor: the machine's", { adapters: [uhd], nodes: [xeon] }, 32_768],
  ["a card whose driver does not tell: nobody's word", { adapters: [arc], nodes: [dg2] }, 0],
  [
    "a system on a chip: the machine's",
    { adapters: [adapter('Mali-G610', 'arm')], nodes: [inside] },
    32_768,
  ],
  ['not asked, and not Apple', { adapters: [arc] }, 0],
  ["Apple: the machine's", { adapters: [adapter('Apple M3 Max', 'apple')] }, 32_768],
])('memory of %s', (_, facts, vramMiB) => {
  expect(found(facts)).toMatchObject([{ vramMiB, foundBy: 'webgpu' }])
})
