import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { NO_FIGURES } from '../../../src/gpu/gpu.ts'
import { cpuDevice, detectGpus } from '../../../src/gpu/inventory.ts'
import { parseMigDevices } from '../../../src/gpu/sources/mig.ts'
import {
  MINIMAL_FIELDS,
  nvidiaSmi,
  parseComputeApps,
  parseNvidiaSmi,
} from '../../../src/gpu/sources/nvidia-smi.ts'
import { nextTelemetry } from '../../../src/gpu/telemetry.ts'
import { fakeNvidiaSmi, SMI_COLUMNS } from '../../support/fake-nvidia-smi.ts'

const vectors = join(import.meta.dirname, '../../vectors/nvidia-smi')
const fake = fakeNvidiaSmi()
afterAll(() => fake[Symbol.dispose]())
beforeEach(() => fake.set({}))

const { env } = fake
/** Both of the fixture's, as they were before. */
const bothOk = {
  samples: ['pci-00000000:19:00.0', 'pci-00000000:3b:00.0'].map((id) => ({
    gpu: { ...cpuDevice(), vendor: 'nvidia' as const, id },
    atMs: 0,
    state: 'ok' as const,
    reason: null,
    figures: NO_FIGURES,
  })),
  timeouts: 0,
}
const read = async (timeoutMs = 10_000) => (await nvidiaSmi({ env }).read({ timeoutMs }))!

test('two H100, as the driver tells them', async () => {
  const gpus = await detectGpus(fake.options)
  expect(gpus).toHaveLength(2)
  expect(gpus[0]).toEqual({
    id: 'pci-00000000:19:00.0',
    vendor: 'nvidia',
    name: 'NVIDIA H100 80GB HBM3',
    uuid: 'GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000001',
    vramMiB: 81559,
    driver: '570.133.20',
    computeCapability: '9.0',
    pcie: { gen: 5, width: 16 },
  })
})

test('the figures of a busy GPU, with the programs on it', async () => {
  fake.set({ apps: 'GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000002, 4242, 73100\n' })
  const { gpus } = await read()
  expect(gpus[1]!.figures).toEqual({
    temperatureC: 66,
    powerW: 655.1,
    powerLimitW: 700,
    utilizationPercent: 98,
    memoryUsedMiB: 73201,
    coreClockMHz: 1755,
    memoryClockMHz: 2619,
    eccErrors: 0,
    lastError: null,
    processes: [{ pid: 4242, memoryMiB: 73100 }],
  })
  expect(gpus[0]!.figures.processes).toEqual([])
})

test('a recording of a real H100 at its power limit (its names blanked)', async () => {
  const uuid = 'GPU-00000000-0000-0000-0000-000000000000'
  fake.set({ fixture: 'h100-busy', apps: `${uuid}, 505, 9516\n` })
  const { gpus, unnamed } = await read()
  expect(unnamed).toEqual([])
  expect(gpus).toHaveLength(1)
  expect(gpus[0]!.gpu).toMatchObject({ uuid, vramMiB: 81559, computeCapability: '9.0' })
  expect(gpus[0]!.figures).toMatchObject({
    temperatureC: 56,
    powerW: 691.12,
    utilizationPercent: 100,
    memoryUsedMiB: 9525,
    coreClockMHz: 1485,
    processes: [{ pid: 505, memoryMiB: 9516 }],
  })
})

test('what a consumer card does not tell is null, not a number', async () => {
  fake.set({ fixture: 'rtx4090' })
  const { gpus } = await read()
  expect(gpus[0]!.figures).toMatchObject({ powerW: null, eccErrors: null, powerLimitW: 450 })
})

test('a field that the driver does not know is left out, and not asked again', async () => {
  fake.set({ fixture: 'rtx4090', unknown: ['compute_cap', 'pcie.link.gen.max'] })
  const source = nvidiaSmi({ env })
  const before = fake.calls().length
  for (const _ of [1, 2]) {
    const { gpus } = (await source.read({ timeoutMs: 10_000 }))!
    expect(gpus[0]).toMatchObject({
      gpu: { vramMiB: 24564, pcie: { gen: null, width: 16 } },
      figures: { temperatureC: 41 },
    })
    expect(gpus[0]!.gpu).not.toHaveProperty('computeCapability')
  }
  const asked = fake.calls().slice(before)
  expect(asked.filter((call) => call.includes('--query-gpu'))).toHaveLength(4)
})

test('a driver that fails without saying why is asked for the minimal set before it is given up', async () => {
  fake.set({ fails: 'something else is wrong' })
  await expect(read()).rejects.toMatchObject({ code: 'GPU_DRIVER_FAILED' })
  expect(fake.calls().at(-1)).toContain(MINIMAL_FIELDS.join(','))
})

test('an installed driver that fails is an error with the next step, not a machine without GPUs', async () => {
  fake.set({ fails: "NVIDIA-SMI has failed because it couldn't communicate with the driver." })
  await expect(detectGpus(fake.options)).rejects.toMatchObject({
    code: 'GPU_DRIVER_FAILED',
    message: expect.stringContaining("couldn't communicate"),
    next: expect.stringContaining('nvidia-smi'),
  })
})

test('a driver that hangs is given up on', async () => {
  fake.set({ delayMs: 60_000 })
  await expect(read(300)).rejects.toMatchObject({ code: 'GPU_DRIVER_TIMEOUT' })
})

test('a GPU that needs a reset is faulty in the words of the driver', async () => {
  fake.set({ set: { 1: { 'utilization.gpu': '[GPU requires reset]' } } })
  const { gpus } = await read()
  expect(gpus.map(({ fault }) => fault)).toEqual([undefined, 'GPU requires reset'])
})

test('a GPU that fell off the bus is told of, whether or not the program fails over it', async () => {
  const line = 'Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.'
  fake.set({ fails: line })
  expect(await read()).toEqual({ gpus: [], unnamed: [line] })
  const csv = `${line}\n0, H100, GPU-1, 00000000:19:00.0, 570, 8192`
  expect(parseNvidiaSmi(csv, MINIMAL_FIELDS)).toMatchObject({
    gpus: [{ gpu: { uuid: 'GPU-1' } }],
    unnamed: [line],
  })
})

const [first, second] = [
  'GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000001',
  'GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000002',
]
const fallen =
  'Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost.  Reboot the system to recover this GPU'

test('with one GPU fallen, which fails the query of all, the others are asked by their UUID', async () => {
  const source = nvidiaSmi({ env })
  await source.read({ timeoutMs: 10_000 })
  fake.set({ lost: { 1: 'GPU is lost' }, apps: `${first}, 7, 100` })
  const before = fake.calls().length
  const reading = (await source.read({ timeoutMs: 10_000 }))!
  expect(reading.unnamed).toEqual([fallen])
  expect(reading.gpus).toMatchObject([
    { gpu: { uuid: first }, figures: { temperatureC: 34, processes: [{ pid: 7 }] } },
  ])
  const asked = fake
    .calls()
    .slice(before)
    .map((call) => /^-i (\S+)/.exec(call)?.[1] ?? 'all')
  expect(asked.toSorted()).toEqual([first, first, second, 'all'])
  const after = nextTelemetry(bothOk, { ...reading, errors: [] }, 1)
  expect(after.samples.map(({ state, reason }) => [state, reason])).toEqual([
    ['ok', null],
    ['lost', fallen],
  ])
  fake.set({})
  expect((await source.read({ timeoutMs: 10_000 }))!.gpus).toHaveLength(2)
})

test('one that fell before the first look leaves the others to be found, by their number', async () => {
  fake.set({ lost: { 0: 'Unknown Error' } })
  const { gpus, unnamed } = await read()
  expect(gpus).toMatchObject([{ gpu: { uuid: second } }])
  expect(unnamed).toEqual([expect.stringContaining('GPU0000:19:00.0: Unknown Error')])
})

test('of several that fell each is lost for its own reason; one that hangs is as good as lost', async () => {
  fake.set({ lost: { 0: 'Unknown Error', 1: 'GPU is lost' } })
  const reading = { ...(await read()), errors: [] }
  expect(nextTelemetry(bothOk, reading, 1).samples.map(({ reason }) => reason)).toEqual([
    expect.stringContaining('19:00.0: Unknown Error'),
    expect.stringContaining('3B:00.0: GPU is lost'),
  ])
  fake.set({ lost: { 0: 'GPU is lost' }, hanging: [1] })
  const { gpus, unnamed } = await read(2000)
  expect(gpus).toEqual([])
  expect(unnamed).toContainEqual(expect.stringContaining('no answer in 2000 ms'))
})

test('the slices of a divided GPU (MIG) are GPUs of their own', async () => {
  const listing = readFileSync(join(vectors, 'mig-listing.txt'), 'utf8')
  fake.set({ set: { 0: { 'mig.mode.current': 'Enabled' } }, listing })
  const { gpus } = await read()
  expect(gpus.map(({ gpu }) => [gpu.id, gpu.uuid, gpu.vramMiB, gpu.mig])).toEqual([
    [
      'mig-11111111-aaaa-5bbb-8ccc-000000000001',
      'MIG-11111111-aaaa-5bbb-8ccc-000000000001',
      40 * 1024,
      { parent: 'pci-00000000:19:00.0', profile: '3g.40gb' },
    ],
    [
      'mig-11111111-aaaa-5bbb-8ccc-000000000002',
      'MIG-11111111-aaaa-5bbb-8ccc-000000000002',
      10 * 1024,
      { parent: 'pci-00000000:19:00.0', profile: '1g.10gb' },
    ],
    ['pci-00000000:3b:00.0', 'GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000002', 81559, undefined],
  ])
  expect(gpus[0]!.figures).toMatchObject({ temperatureC: 34, utilizationPercent: null })
})

test('a GPU that is divided into nothing cannot compute, and says what to do', async () => {
  fake.set({ set: { 0: { 'mig.mode.current': 'Enabled' } }, listing: 'GPU 0: H100 (UUID: GPU-1)' })
  const { gpus } = await read()
  expect(gpus[0]!.fault).toContain('nvidia-smi mig -cgi')
  expect(gpus[1]!.fault).toBeUndefined()
})

test('a power limit is set where the driver permits it, else refused with the next step', async () => {
  const source = nvidiaSmi({ env })
  const { gpu } = (await read()).gpus[1]!
  await expect(source.setPowerLimit!(gpu, 300)).rejects.toMatchObject({
    code: 'GPU_POWER_LIMIT',
    message: expect.stringContaining('Insufficient Permissions'),
    next: expect.stringContaining('root'),
  })
  fake.set({ isRoot: true })
  await source.setPowerLimit!(gpu, 300)
  expect(fake.calls().at(-1)).toBe(`-i ${gpu.uuid} -pl 300`)
})

test('without the program there is nothing to read', async () => {
  const empty = { PATH: join(fake.folder, 'nothing') }
  expect(await nvidiaSmi({ env: empty }).read({ timeoutMs: 1000 })).toBeUndefined()
})

test.each([
  ['a line cut short', '0, NVIDIA H100'],
  ['an error in place of a table', 'No devices were found'],
  ['no index', '[N/A], H100, GPU-1, 0:1.0, 570, 8192'],
])('%s is refused', (_, line) => {
  expect(() => parseNvidiaSmi(line, MINIMAL_FIELDS)).toThrowError(/nvidia-smi/)
})

test('lists of nothing, and lines that are none, are no programs and no slices', () => {
  expect(parseNvidiaSmi('\n')).toEqual({ gpus: [], unnamed: [] })
  expect(parseComputeApps('No running processes found\n').size).toBe(0)
  expect(parseComputeApps('GPU-1, 7, [N/A]\nGPU-1, 8, 5').get('GPU-1')).toEqual([
    { pid: 7, memoryMiB: null },
    { pid: 8, memoryMiB: 5 },
  ])
  expect(parseMigDevices('No devices found.')).toEqual([])
})

test.each(['h100x2', 'rtx4090', 'h100-busy'])('the fixture %s has every column', (name) => {
  const [line] = readFileSync(join(vectors, `${name}.csv`), 'utf8').split('\n')
  expect(line!.split(', ')).toHaveLength(SMI_COLUMNS.length)
})
