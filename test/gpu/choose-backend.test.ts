import { describe, expect, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import {
  type Asked,
  type BackendFacts,
  type BackendVerdict,
  chooseBackends,
  gpusToPin,
  sameGpuName,
} from '../../src/gpu/choose-backend.ts'
import type { CudaDeviceFacts } from '../../src/gpu/cuda/devices.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { WebgpuAdapter } from '../../src/gpu/webgpu-adapters.ts'

const gpu = (over: Partial<Gpu>): Gpu => ({
  id: 'a',
  vendor: 'nvidia',
  name: 'NVIDIA GeForce RTX 4090',
  uuid: 'GPU-00000000-0000-0000-0000-00000000000a',
  vramMiB: 24_564,
  computeCapability: '8.9',
  ...over,
})
const turing = gpu({ name: 'NVIDIA GeForce RTX 2080', computeCapability: '7.5' })
const radeon = gpu({ vendor: 'amd', name: 'Radeon RX 6800' })
const processor: Gpu = { id: 'cpu-0', vendor: 'cpu', name: 'EPYC', vramMiB: 4096, cores: 2 }

const listed = (one: Gpu): CudaDeviceFacts => ({
  index: 0,
  uuid: one.uuid!,
  name: one.name,
  computeCapability: one.computeCapability!,
  memoryMiB: one.vramMiB,
  multiprocessors: 100,
  pciBusId: '00000000:01:00.0',
  driverCuda: '12.8',
})
const adapter = (name: string, over: Partial<WebgpuAdapter> = {}): WebgpuAdapter => ({
  name,
  driver: 'vulkan',
  vendor: 'nvidia',
  architecture: '',
  description: '',
  isSoftware: false,
  count: 1,
  maxBufferBytes: 2 ** 31,
  maxBindingBytes: 2 ** 30,
  ...over,
})
const software = adapter('SwiftShader Device (Subzero)', { vendor: 'google', isSoftware: true })
const missing = new NodeError('GPU_BACKEND_MISSING', 'no libcuda here', { next: 'install it' })

/** In short: the backend with what it drives, or why there is none. */
const told = (verdict: BackendVerdict | undefined): string => {
  if (verdict === undefined || 'refusal' in verdict) return `none: ${verdict?.refusal}`
  const { device } = verdict
  if (device.backend === 'cuda') return `cuda ${device.uuid}`
  return device.backend === 'webgpu' ? `webgpu ${device.adapter}` : 'cpu'
}
const choose = (gpus: readonly Gpu[], facts: Partial<BackendFacts>): string[] => {
  const all = {
    choice: 'auto',
    isLocalNetwork: false,
    cuda: undefined,
    adapters: undefined,
  } as const
  const chosen = chooseBackends(gpus, { ...all, ...facts })
  return gpus.map(({ id }) => told(chosen.get(id)))
}

describe('what suits a device', () => {
  const ampere = gpu({})
  test.each<[string, Gpu, Partial<BackendFacts>, string]>([
    ['an Ampere card or newer: CUDA', ampere, { cuda: [listed(ampere)] }, `cuda ${ampere.uuid}`],
    [
      'an older one: WebGPU',
      turing,
      { cuda: [listed(turing)], adapters: [software, adapter(turing.name)] },
      `webgpu ${turing.name}`,
    ],
    [
      'without libcuda: WebGPU',
      ampere,
      { cuda: missing, adapters: [adapter(ampere.name)] },
      `webgpu ${ampere.name}`,
    ],
    [
      'AMD: WebGPU, though its drivers use two names',
      radeon,
      { adapters: [adapter('AMD Radeon RX 6800 (RADV NAVI21)', { vendor: 'amd' })] },
      'webgpu AMD Radeon RX 6800 (RADV NAVI21)',
    ],
    [
      'the only one of its vendor, whatever its name',
      { ...radeon, name: 'Navi 21' },
      { adapters: [adapter('AMD Radeon RX 6800', { vendor: 'amd' })] },
      'webgpu AMD Radeon RX 6800',
    ],
    ['a processor on a local network', processor, { isLocalNetwork: true }, 'cpu'],
    [
      'software, where its owner wants it, on a local network',
      processor,
      { isLocalNetwork: true, choice: 'webgpu', adapters: [software] },
      `webgpu ${software.name}`,
    ],
    [
      'a GPU by the processor, where its owner wants it, on a local network',
      ampere,
      { isLocalNetwork: true, choice: 'cpu' },
      'cpu',
    ],
    [
      'a slice of a divided GPU, which libcuda lists for its prover alone',
      { ...ampere, uuid: 'MIG-1', mig: { parent: 'p', profile: '3g.40gb' } },
      { cuda: [] },
      'cuda MIG-1',
    ],
  ])('%s', (_, device, facts, expected) => {
    expect(choose([device], facts)).toEqual([expected])
  })
})

describe('what nothing proves, and why', () => {
  test.each<[string, Gpu, Partial<BackendFacts>, RegExp]>([
    ['a processor elsewhere', processor, {}, /local networks alone/],
    [
      'software elsewhere',
      processor,
      { choice: 'webgpu', adapters: [software] },
      /webgpu: SwiftShader.* is software and proves on local networks alone/,
    ],
    [
      'neither driver',
      gpu({}),
      { cuda: missing, adapters: new NodeError('GPU_DRIVER', 'Dawn crashed') },
      /cuda: no libcuda here; webgpu: Dawn crashed/,
    ],
    [
      'too old, and no Vulkan',
      turing,
      { cuda: [listed(turing)], adapters: [software] },
      /compute capability 7.5, and 8.0 is needed; webgpu: no adapter is NVIDIA GeForce RTX 2080/,
    ],
    ['hidden from libcuda', gpu({}), { cuda: [], adapters: [] }, /libcuda does not list GPU-0000/],
    [
      'AMD by CUDA',
      radeon,
      { choice: 'cuda', cuda: [], adapters: [adapter(radeon.name)] },
      /^none: cuda: only NVIDIA GPUs$/,
    ],
    ['a GPU by the processor elsewhere', gpu({}), { choice: 'cpu' }, /local networks alone/],
    [
      'a GPU is never software',
      gpu({}),
      { isLocalNetwork: true, choice: 'webgpu', adapters: [software] },
      /no adapter is NVIDIA/,
    ],
  ])('%s', (_, device, facts, expected) => {
    const [verdict] = choose([device], facts)
    expect(verdict).toMatch(expected)
    const chosen = chooseBackends([device], {
      choice: 'auto',
      isLocalNetwork: false,
      cuda: undefined,
      adapters: undefined,
      ...facts,
    }).get(device.id)
    expect(chosen).toMatchObject({ next: expect.any(String) })
  })
})

test('of two equal GPUs WebGPU drives one, and says why not the other', () => {
  const pair = [radeon, { ...radeon, id: 'b' }]
  const adapters = [adapter(radeon.name, { vendor: 'amd', count: 2 })]
  const [first, second] = choose(pair, { adapters })
  expect(first).toBe(`webgpu ${radeon.name}`)
  expect(second).toMatch(/of several GPUs named Radeon RX 6800 a process can only use the first/)
})

describe('of equal GPUs for which a process can be held to one address', () => {
  const [one, two] = ['pci-0000:03:00.0', 'pci-0000:04:00.0']
  const pair = [one, two].map((id) => ({ ...radeon, id }))
  const seen = adapter(radeon.name, { vendor: 'amd' })
  const adapters = [{ ...seen, count: 2 }]
  const notHeld = new NodeError('GPU_NOT_PINNED', 'it opens another one')
  const verdicts = (pinned: BackendFacts['pinned']) => {
    const facts = { choice: 'auto', isLocalNetwork: false, cuda: undefined, adapters } as const
    const chosen = chooseBackends(pair, pinned === undefined ? facts : { ...facts, pinned })
    return pair.map(({ id }) => chosen.get(id))
  }

  test('those are asked that share a name and have an address', () => {
    expect(gpusToPin([...pair, turing], adapters).map(({ id }) => id)).toEqual([one, two])
    expect(gpusToPin(pair, [seen])).toEqual([])
    expect(gpusToPin([radeon, { ...radeon, id: 'b' }], adapters)).toEqual([])
    const cards = [turing, turing].map((gpu, i) => ({ ...gpu, id: `pci-0000:0${i}:00.0` }))
    expect(gpusToPin(cards, [adapter(turing.name, { count: 2 })])).toEqual([])
  })

  test('all of them prove', () => {
    const found = verdicts(new Map([one, two].map((id) => [id, [software, seen]])))
    expect(found).toMatchObject([
      { device: { backend: 'webgpu', adapter: radeon.name, pci: '0000:03:00.0' } },
      { device: { backend: 'webgpu', adapter: radeon.name, pci: '0000:04:00.0' } },
    ])
  })

  test.each([
    [one, two],
    [two, one],
  ])('only %s proves where it alone can be held; never one chip by two names', (held, free) => {
    const found = verdicts(
      new Map<string, Asked<WebgpuAdapter>>([
        [held, [seen]],
        [free, notHeld],
      ]),
    )
    const [first, second] = held === one ? found : found.toReversed()
    expect(first).toMatchObject({ device: { pci: held.slice(4) } })
    expect(second).toMatchObject({
      code: 'GPU_NOT_PINNED',
      refusal: expect.stringContaining('it opens another one'),
      next: expect.any(String),
    })
  })

  test.each([
    [undefined],
    [
      new Map([
        [one, notHeld],
        [two, notHeld],
      ]),
    ],
  ])('the first proves where none can be held', (pinned) => {
    const [first, second] = verdicts(pinned)
    expect(first).toMatchObject({ device: { adapter: radeon.name } })
    expect(first).not.toHaveProperty('device.pci')
    expect(second).toMatchObject({ code: 'GPU_NOT_PINNED' })
  })
})

test('subgroup matrices are used where they were asked for and found right', () => {
  const device = (subgroupMatrix: WebgpuAdapter['subgroupMatrix']) => {
    const seen = adapter(radeon.name, { vendor: 'amd', ...(subgroupMatrix && { subgroupMatrix }) })
    const facts = { choice: 'auto', isLocalNetwork: false, cuda: undefined } as const
    return chooseBackends([radeon], { ...facts, adapters: [seen] }).get(radeon.id)
  }
  expect(device({ shape: '16×16×16' })).toMatchObject({ device: { subgroupMatrix: true } })
  expect(device({ refusal: 'other bytes' })).not.toHaveProperty('device.subgroupMatrix')
  expect(device(undefined)).not.toHaveProperty('device.subgroupMatrix')
})

test('CUDA drives as many equal GPUs as there are', () => {
  const pair = [gpu({}), gpu({ id: 'b', uuid: 'GPU-00000000-0000-0000-0000-00000000000b' })]
  const [first, second] = choose(pair, { cuda: pair.map(listed) })
  expect(first).not.toBe(second)
  expect([first, second].every((one) => one!.startsWith('cuda'))).toBe(true)
})

test('two different GPUs of a vendor are never taken for each other', () => {
  const pair = [radeon, { ...radeon, id: 'b', name: 'Radeon VII' }]
  const adapters = [adapter('AMD Radeon RX 7900 XTX', { vendor: 'amd' })]
  expect(choose(pair, { adapters }).every((one) => one.startsWith('none'))).toBe(true)
})

test.each([
  ['NVIDIA GeForce RTX 4090', 'NVIDIA GeForce RTX 4090', true],
  ['Radeon RX 6800', 'AMD Radeon RX 6800 (RADV NAVI21)', true],
  ['Apple M2 Max', 'Apple M2 Max', true],
  ['Intel(R) Arc(TM) A770 Graphics', 'Intel Arc A770', true],
  ['Radeon RX 6800', 'Radeon RX 6800 XT', false],
  ['NVIDIA GeForce RTX 4090', 'NVIDIA GeForce RTX 4090 D', false],
  ['NVIDIA', 'AMD', false],
])('%s and %s: %s', (one, other, same) => {
  expect(sameGpuName(one, other)).toBe(same)
})
