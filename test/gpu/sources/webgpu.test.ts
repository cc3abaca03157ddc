import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { NodeError } from '../../../src/errors.ts'
import { createGpuDrivers } from '../../../src/gpu/drivers.ts'
import { listRenderNodes, type RenderNode } from '../../../src/gpu/sources/render-nodes.ts'
import { leftoverGpus } from '../../../src/gpu/sources/webgpu.ts'
import type { WebgpuAdapter } from '../../../src/gpu/webgpu-adapters.ts'
import { fakeNvidiaSmi, hasOwnGpu } from '../../support/fake-nvidia-smi.ts'
import { tempFolder } from '../../support/lease-market.ts'

const arc: WebgpuAdapter = {
  name: 'Intel(R) Arc(tm) A770 Graphics (DG2)',
  driver: 'vulkan',
  vendor: 'intel',
  architecture: 'xe-hpg',
  description: 'Intel open-source Mesa driver: Mesa 25.0.7',
  isSoftware: false,
  count: 1,
  maxBufferBytes: 2 ** 32,
  maxBindingBytes: 2 ** 30,
}
const nvidia = { ...arc, name: 'NVIDIA H100 80GB HBM3', vendor: 'nvidia' }
const dg2: RenderNode = {
  address: '0000:05:00.0',
  vendor: 'intel',
  model: '0x56a0',
  vramMiB: null,
  usedMiB: null,
  utilizationPercent: 3,
}
const needs = { claimed: new Set<string>(), told: [], timeoutMs: 1000 }

describe.skipIf(process.platform !== 'linux')('what the kernel lists', () => {
  /** A folder as /sys/class/drm, and one as /dev/dri. */
  async function kernel(cards: Readonly<Record<string, Readonly<Record<string, string>>>>) {
    const root = await tempFolder()
    const places = { classes: join(root, 'class'), nodes: join(root, 'dri') }
    await mkdir(places.nodes)
    for (const [i, [address, files]] of Object.entries(cards).entries()) {
      const device = join(root, 'devices', address)
      await mkdir(device, { recursive: true })
      for (const [name, text] of Object.entries(files)) await writeFile(join(device, name), text)
      await mkdir(join(places.classes, `renderD${128 + i}`), { recursive: true })
      await symlink(device, join(places.classes, `renderD${128 + i}`, 'device'))
      await writeFile(join(places.nodes, `renderD${128 + i}`), '')
      await writeFile(join(places.nodes, `card${i}`), '')
    }
    return places
  }

  test('GPUs with what their drivers tell, and those without an address', async () => {
    const places = await kernel({
      '0000:03:00.0': {
        vendor: '0x1002\n',
        device: '0x73bf\n',
        mem_info_vram_total: '17163091968\n',
        mem_info_vram_used: '1048576\n',
        gpu_busy_percent: '7\n',
      },
      '0000:05:00.0': { vendor: '0x8086\n', device: '0x56a0\n' },
      'fb000000.gpu': {},
    })
    expect(await listRenderNodes(places)).toEqual([
      {
        address: '0000:03:00.0',
        vendor: 'amd',
        model: '0x73bf',
        vramMiB: 16_368,
        usedMiB: 1,
        utilizationPercent: 7,
      },
      { ...dg2, utilizationPercent: null },
      { vendor: 'platform', model: '', vramMiB: null, usedMiB: null, utilizationPercent: null },
    ])
  })

  test('a container without GPUs has none', async () => {
    expect(await listRenderNodes({ nodes: join(await tempFolder(), 'dri') })).toEqual([])
  })
})

test('Dawn is asked once; later the kernel says whether a GPU is still there', async () => {
  const probe = vi.fn(async () => [arc])
  let nodes: RenderNode[] = [dg2]
  const source = leftoverGpus({ probe, listNodes: async () => nodes })
  const [first] = await source.read(needs)
  expect(first).toMatchObject({
    gpu: {
      id: 'pci-0000:05:00.0',
      foundBy: 'webgpu',
      architecture: 'xe-hpg',
      description: 'Intel open-source Mesa driver: Mesa 25.0.7',
    },
    figures: { utilizationPercent: 3, temperatureC: null },
  })
  nodes = []
  expect(await source.read(needs)).toEqual([])
  nodes = [dg2]
  expect(await source.read(needs)).toHaveLength(1)
  expect(probe).toHaveBeenCalledTimes(1)
})

test('no driver is loaded where the kernel knows no other GPU', async () => {
  const probe = vi.fn(async () => [arc])
  const source = leftoverGpus({ probe, listNodes: async () => [] })
  expect(await source.read(needs)).toEqual([])
  const claimed = leftoverGpus({ probe, listNodes: async () => [dg2] })
  expect(await claimed.read({ ...needs, claimed: new Set(['intel']) })).toEqual([])
  expect(probe).not.toHaveBeenCalled()
})

test('a driver that crashes hides GPUs, and breaks nothing', async () => {
  const probe = () => Promise.reject(new NodeError('GPU_DRIVER', 'it crashed'))
  const source = leftoverGpus({ probe, listNodes: async () => [dg2] })
  expect(await source.read(needs)).toEqual([])
})

test.skipIf(hasOwnGpu)(
  'beside a tool that answers, GPUs of others are added, its own never twice',
  async () => {
    using smi = fakeNvidiaSmi()
    const leftovers = { probe: async () => [arc, nvidia], listNodes: async () => undefined }
    await using drivers = createGpuDrivers({ ...smi.options, leftovers })
    for (let again = 0; again < 2; again++) {
      const { gpus } = await drivers.read()
      expect(gpus.map(({ gpu }) => `${gpu.vendor} ${gpu.foundBy}`)).toEqual([
        'nvidia undefined',
        'nvidia undefined',
        'intel webgpu',
      ])
    }
    // A tool that fails for now tells of its GPUs later.
    smi.set({ fails: 'broken' })
    expect((await drivers.read()).gpus.map(({ gpu }) => gpu.vendor)).toEqual(['intel'])
  },
)
