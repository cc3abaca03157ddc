import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createGpuDrivers } from '../../../src/gpu/drivers.ts'
import { nvml, readingOf } from '../../../src/gpu/sources/nvml.ts'
import type { NvmlDevice } from '../../../src/gpu/sources/nvml-devices.ts'
import { fakeNvidiaSmi } from '../../support/fake-nvidia-smi.ts'
import { buildMockNvml, hasCompiler, type MockNvml } from '../../support/mock-nvml.ts'
import { processesWith } from '../../support/processes.ts'
import { requireOrSkip } from '../../support/skips.ts'

const options = { timeoutMs: 20_000 }

describe.skipIf(!requireOrSkip(hasCompiler(), 'a C compiler (cc)'))(
  'a library called by FFI',
  () => {
    let mock: MockNvml
    let old: MockNvml
    beforeAll(() => {
      mock = buildMockNvml()
      old = buildMockNvml({ old: true })
    })
    beforeEach(() => mock.set('o'))
    afterAll(() => {
      for (const one of [mock, old]) one[Symbol.dispose]()
    })
    const source = ({ library, env } = mock) =>
      nvml({ env, libraries: ['/nonexistent.so', library] })

    test('tells what a GPU is and what it does', async () => {
      await using driver = source()
      const { gpus, unnamed } = (await driver.read(options))!
      expect(unnamed).toEqual([])
      expect(gpus).toHaveLength(2)
      expect(gpus[0]).toEqual({
        gpu: {
          id: 'pci-00000000:19:00.0',
          vendor: 'nvidia',
          name: 'NVIDIA H100 80GB HBM3',
          uuid: 'GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000001',
          vramMiB: 81559,
          driver: '570.133.20',
          computeCapability: '9.0',
          pcie: { gen: 5, width: 16 },
        },
        figures: {
          temperatureC: 41,
          powerW: 71.234,
          powerLimitW: 700,
          utilizationPercent: 7,
          memoryUsedMiB: 1024,
          coreClockMHz: 1980,
          memoryClockMHz: 2619,
          eccErrors: 2,
          lastError: null,
          processes: [
            { pid: 4242, memoryMiB: 512 },
            { pid: 4243, memoryMiB: null },
          ],
        },
      })
    })

    test('an old driver lacks functions, and what they would tell is null', async () => {
      await using driver = source(old)
      const { gpus } = (await driver.read(options))!
      expect(gpus[0]!.gpu).toMatchObject({ vramMiB: 81559, pcie: { gen: null, width: 16 } })
      expect(gpus[0]!.figures).toMatchObject({ temperatureC: 41, eccErrors: null, processes: null })
    })

    test('slices are GPUs of their own', async () => {
      mock.set('m')
      await using driver = source()
      const { gpus } = (await driver.read(options))!
      expect(gpus.map(({ gpu }) => [gpu.uuid, gpu.vramMiB, gpu.mig?.profile])).toEqual([
        ['MIG-11111111-aaaa-5bbb-8ccc-000000000001', 40960, '3g.40gb'],
        ['MIG-11111111-aaaa-5bbb-8ccc-000000000002', 40960, '3g.40gb'],
        ['GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000002', 81559, undefined],
      ])
    })

    test('a GPU that is lost is told of, and is there again when the driver has it', async () => {
      await using driver = source()
      await driver.read(options)
      mock.set('l')
      const lost = (await driver.read(options))!
      expect(lost.gpus.map(({ gpu }) => gpu.id)).toEqual(['pci-00000000:19:00.0'])
      expect(lost.unnamed).toEqual(['GPU is lost'])
      mock.set('o')
      expect((await driver.read(options))!.gpus).toHaveLength(2)
    })

    test('a GPU that requires a reset is faulty', async () => {
      mock.set('r')
      await using driver = source()
      const { gpus } = (await driver.read(options))!
      expect(gpus.map(({ fault }) => fault)).toEqual([undefined, 'GPU requires reset'])
    })

    test('a fault that the driver reports is kept', async () => {
      await using driver = source()
      await driver.read(options)
      mock.set('x')
      const lastErrors = async () =>
        (await driver.read(options))!.gpus.map(({ figures }) => figures.lastError)
      expect(await lastErrors()).toEqual(['Xid 79', null])
      expect(await lastErrors()).toEqual(['Xid 79', null])
    })

    test('a driver that is not loaded is a failure', async () => {
      mock.set('d')
      await using driver = source()
      const error = { code: 'GPU_DRIVER_FAILED', message: expect.stringContaining('not loaded') }
      await expect(driver.read(options)).rejects.toMatchObject(error)
      mock.set('o')
      expect((await driver.read(options))!.gpus).toHaveLength(2)
    })

    test('a call that hangs is given up on, its process is killed, and the next one is asked', async () => {
      await using driver = source()
      await driver.read(options)
      mock.set('h')
      const late = driver.read({ timeoutMs: 300 })
      await expect(late).rejects.toMatchObject({ code: 'GPU_DRIVER_TIMEOUT' })
      mock.set('o')
      await expect
        .poll(
          () =>
            driver.read(options).then(
              (found) => found?.gpus.length,
              () => 0,
            ),
          {
            timeout: 20_000,
          },
        )
        .toBe(2)
    })

    test('a call that crashes is a failure, and the next one is asked', async () => {
      await using driver = source()
      mock.set('c')
      await expect(driver.read(options)).rejects.toMatchObject({ code: 'GPU_DRIVER_FAILED' })
      mock.set('o')
      expect((await driver.read(options))!.gpus).toHaveLength(2)
    })

    test('nothing of it is left behind', async () => {
      const driver = source()
      await driver.read(options)
      const ours = () => processesWith(mock.library)
      expect(ours()).toHaveLength(1)
      await driver[Symbol.asyncDispose]()
      await expect.poll(ours, { timeout: 10_000 }).toEqual([])
    })

    test('a power limit is set where this user may, else refused', async () => {
      await using driver = source()
      const { gpu } = (await driver.read(options))!.gpus[1]!
      await expect(driver.setPowerLimit!(gpu, 300)).rejects.toMatchObject({
        code: 'GPU_POWER_LIMIT',
        message: expect.stringContaining('this user may not'),
      })
      mock.set('p')
      await driver.setPowerLimit!(gpu, 300)
      expect((await driver.read(options))!.gpus[1]!.figures.powerLimitW).toBe(300)
    })

    test('where the library fails, nvidia-smi is asked', async () => {
      mock.set('d')
      using smi = fakeNvidiaSmi({ fixture: 'rtx4090' })
      await using drivers = createGpuDrivers({
        env: { ...mock.env, ...smi.env },
        nvmlLibraries: [mock.library],
      })
      const { gpus, errors } = await drivers.read()
      expect(errors).toEqual([])
      expect(gpus.map(({ gpu }) => gpu.name)).toEqual(['NVIDIA GeForce RTX 4090'])
    })
  },
)

test.skipIf(!requireOrSkip(process.platform === 'linux', 'the process list of Linux'))(
  'its process is given what drivers read, and nothing else',
  async () => {
    vi.stubEnv('COMPUTE_NODE_SECRET', 'sesame')
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    const library = `/nonexistent-${process.pid}.so`
    await using driver = nvml({ libraries: [library] })
    expect(await driver.read(options)).toBeUndefined()
    const [child] = processesWith(library)
    const variables = readFileSync(`/proc/${child!.pid}/environ`, 'utf8').split('\0')
    expect(variables).toContain('CUDA_VISIBLE_DEVICES=0')
    expect(variables.join()).not.toContain('sesame')
  },
)

test('without a library there is nothing to read', async () => {
  await using driver = nvml({ libraries: ['/nonexistent/libnvidia-ml.so.1'] })
  expect(await driver.read(options)).toBeUndefined()
})

test('a device that tells nothing but its fault is unnamed; one that tells nothing else is all null', () => {
  const nothing = {
    name: null,
    computeCapability: null,
    memoryTotalBytes: null,
    memoryUsedBytes: null,
    utilizationPercent: null,
    temperatureC: null,
    powerMilliwatts: null,
    powerLimitMilliwatts: null,
    coreClockMHz: null,
    memoryClockMHz: null,
    eccErrors: null,
    pcieGen: null,
    pcieWidth: null,
    processes: null,
    migEnabled: false,
    slices: [],
    xid: null,
  }
  const devices: NvmlDevice[] = [
    { ...nothing, index: 0, uuid: null, pciBusId: null, fault: 15 },
    { ...nothing, index: 1, uuid: 'GPU-1', pciBusId: '00000000:3B:00.0', fault: 0 },
  ]
  const { gpus, unnamed } = readingOf({ driver: null, devices, unnamed: [999] })
  expect(unnamed).toEqual(['NVML error 999', 'GPU is lost'])
  expect(gpus.map(({ gpu }) => gpu)).toEqual([
    {
      id: 'pci-00000000:3b:00.0',
      uuid: 'GPU-1',
      vendor: 'nvidia',
      name: 'NVIDIA GPU',
      vramMiB: 0,
    },
  ])
  expect(Object.values(gpus[0]!.figures).every((figure) => figure === null)).toBe(true)
})
