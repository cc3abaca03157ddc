import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../../src/gpu/backend.ts'
import { listCudaDevices } from '../../../src/gpu/cuda/devices.ts'
import { createCudaBackend } from '../../../src/gpu/cuda-backend.ts'
import { FILL_UNIT_BYTES } from '../../../src/gpu/resident-fill.ts'
import { buildMockCuda, hasCompiler, loadMockCuda, type MockCuda } from '../../support/mock-cuda.ts'
import { requireOrSkip } from '../../support/skips.ts'

const seed = new Uint8Array(32).fill(5)
const sizes = { n: 256, bytes: FILL_UNIT_BYTES }
const gpuError = (code: string, message = '') =>
  expect.objectContaining({
    name: 'NodeError',
    code,
    message: expect.stringContaining(message),
    next: expect.stringMatching(/\w/),
  })

test('without a driver the backend is missing, and says how to get it', async () => {
  const library = '/nonexistent/libcuda.so.1'
  await expect(createCudaBackend({ library })).rejects.toEqual(
    gpuError('GPU_BACKEND_MISSING', library),
  )
  await expect(listCudaDevices({ library })).rejects.toEqual(gpuError('GPU_BACKEND_MISSING'))
})

describe.skipIf(!requireOrSkip(hasCompiler(), 'g++, which plays the GPU'))('a mock driver', () => {
  let mock: MockCuda
  let library: string
  const create = () => createCudaBackend({ library })
  const using = async (work: (backend: Backend) => Promise<void>): Promise<void> => {
    const backend = await create()
    await work(backend).finally(() => backend[Symbol.asyncDispose]())
  }
  beforeAll(() => {
    library = buildMockCuda()
    mock = loadMockCuda(library)
  })
  afterEach(() => mock.reset())

  test('its devices are listed as nvidia-smi would', async () => {
    mock.device({ devices: 2, capability: 8.6, memoryBytes: 24 * 2 ** 30 })
    const devices = await listCudaDevices({ library })
    expect(devices).toHaveLength(2)
    expect(devices[1]).toEqual({
      index: 1,
      uuid: 'GPU-10111213-1415-1617-1819-1a1b1c1d1e1f',
      name: 'Mock GPU 1',
      computeCapability: '8.6',
      memoryMiB: 24 * 1024,
      multiprocessors: 4,
      pciBusId: '00000000:A2:00.0',
      driverCuda: '12.8',
    })
  })

  test.each([
    'GPU-10111213-1415-1617-1819-1a1b1c1d1e1f',
    'gpu-10111213-1415-1617-1819-1A1B1C1D1E1F',
  ])('a device is found by its UUID %s', async (uuid) => {
    mock.device({ devices: 3 })
    const backend = await createCudaBackend({ library, uuid })
    expect(backend.device).toBe('Mock GPU 1')
    await backend[Symbol.asyncDispose]()
  })

  test('no device at all', async () => {
    mock.device({ devices: 0 })
    expect(await listCudaDevices({ library })).toEqual([])
    await expect(create()).rejects.toEqual(gpuError('GPU_DEVICE_MISSING', 'CUDA_ERROR_NO_DEVICE'))
  })

  test('no such device', async () => {
    const uuid = 'GPU-ffffffff-0405-0607-0809-0a0b0c0d0e0f'
    await expect(createCudaBackend({ library, uuid })).rejects.toEqual(
      gpuError('GPU_DEVICE_MISSING', 'GPU-00010203'),
    )
    await expect(createCudaBackend({ library, index: 1 })).rejects.toEqual(
      gpuError('GPU_DEVICE_MISSING'),
    )
  })

  test('a device without our tensor cores', async () => {
    mock.device({ capability: 7.5 })
    await expect(create()).rejects.toEqual(gpuError('GPU_UNSUPPORTED', '7.5'))
    expect(mock.held()).toBe(0)
  })

  test('a driver that is too old: it lacks a function, or the PTX is too new for it', async () => {
    const old = buildMockCuda(['cuStreamWaitEvent'])
    await expect(createCudaBackend({ library: old })).rejects.toEqual(
      gpuError('GPU_DRIVER_OLD', 'cuStreamWaitEvent'),
    )
    mock.fail('cuModuleLoadDataEx', 222)
    await expect(create()).rejects.toEqual(
      gpuError('GPU_DRIVER_OLD', 'CUDA_ERROR_UNSUPPORTED_PTX_VERSION: ptxas: the mock'),
    )
    expect(mock.held()).toBe(0)
  })

  test('too little memory says how much there is; with less it goes on', async () => {
    mock.device({ memoryBytes: 4 * 2 ** 20 })
    await using(async (backend) => {
      const held = mock.held()
      for (const wanted of [
        { n: 256, bytes: 8 * 2 ** 20 },
        { n: 2048, bytes: FILL_UNIT_BYTES },
      ]) {
        await expect(backend.prepare(wanted)).rejects.toEqual(
          gpuError('GPU_OUT_OF_MEMORY', 'MiB are free'),
        )
        expect(mock.held()).toBe(held)
      }
      await expect(backend.fill(seed, 1)).rejects.toMatchObject({ code: 'GPU_NOT_STARTED' })
      await backend.prepare(sizes)
      await backend.fill(seed, 1)
      expect(await backend.pass(seed)).toHaveLength(32)
    })
    expect(mock.held()).toBe(0)
  })

  // Every call of the driver that preparing and working makes, failing once: an error comes out, nothing stays held.
  test.each([
    'cuDevicePrimaryCtxRetain',
    'cuModuleLoadDataEx',
    'cuModuleGetFunction',
    'cuStreamCreateWithPriority',
    'cuMemAlloc_v2',
    'cuEventCreate',
    'cuEventRecord',
    'cuStreamWaitEvent',
    'cuEventQuery',
    'cuLaunchKernel',
    'cuMemcpyDtoH_v2',
  ])('%s fails at any of its calls: nothing stays held, and the next try works', async (call) => {
    let failures = 0
    for (let after = 0; after < 40; after++) {
      mock.reset()
      mock.fail(call, 999, after)
      let failed = false
      try {
        await using(work)
      } catch (error) {
        failed = true
        expect(error).toEqual(gpuError('GPU_CUDA_FAILED', `${call}: CUDA error 999`))
      }
      expect(mock.held()).toBe(0)
      if (!failed) break
      failures++
    }
    expect(failures).toBeGreaterThan(0)
  })

  async function work(backend: Backend): Promise<void> {
    await backend.prepare(sizes)
    await backend.fill(seed, 1)
    await backend.pass(seed)
    await backend.openLeaves([0])
    await backend.startChain(seed)
    await backend.step()
    await backend.openRows([1])
  }

  test('after a launch that failed the chain must be started anew, and then it is right', async () => {
    await using(async (backend) => {
      await backend.prepare(sizes)
      await backend.startChain(seed)
      const root = await backend.step()
      mock.fail('cuLaunchKernel', 701)
      await expect(backend.step()).rejects.toEqual(
        gpuError('GPU_CUDA_FAILED', 'CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES'),
      )
      await expect(backend.openRows([0])).rejects.toMatchObject({ code: 'GPU_NOT_STARTED' })
      await expect(backend.step()).rejects.toMatchObject({ code: 'GPU_NOT_STARTED' })
      await backend.startChain(seed)
      expect(await backend.step()).toEqual(root)
    })
  })

  test('a crash sticks to everything after it, and closing still ends well', async () => {
    await using(async (backend) => {
      await backend.prepare(sizes)
      await backend.startChain(seed)
      mock.fail('cuEventQuery', 700)
      const crashed = gpuError('GPU_CRASHED', 'CUDA_ERROR_ILLEGAL_ADDRESS')
      await expect(backend.step()).rejects.toEqual(crashed)
      await expect(backend.fill(seed, 1)).rejects.toEqual(crashed)
      await expect(backend.startChain(seed)).rejects.toEqual(crashed)
      await expect(backend.prepare({ ...sizes, n: 512 })).rejects.toEqual(crashed)
    })
    await expect(create()).rejects.toMatchObject({ code: 'GPU_CRASHED' })
  })

  test('sizes, keys, rows and leaves that cannot be are refused before the device sees them', async () => {
    await using(async (backend) => {
      for (const wrong of [{ n: 384 }, { n: 128 }, { n: 65536 }, { bytes: 1 }, { bytes: 0 }]) {
        await expect(backend.prepare({ ...sizes, ...wrong })).rejects.toBeInstanceOf(RangeError)
      }
      await backend.prepare(sizes)
      const short = seed.subarray(1)
      await expect(backend.fill(short, 1)).rejects.toBeInstanceOf(RangeError)
      await expect(backend.startChain(short)).rejects.toBeInstanceOf(RangeError)
      await backend.fill(seed, 1)
      await expect(backend.pass(short)).rejects.toBeInstanceOf(RangeError)
      await backend.pass(seed)
      await backend.startChain(seed)
      await backend.step()
      for (const place of [-1, 0.5, 256, Number.NaN]) {
        await expect(backend.openRows([place])).rejects.toBeInstanceOf(RangeError)
        await expect(backend.openLeaves([place])).rejects.toBeInstanceOf(RangeError)
      }
    })
  })

  test('the event loop turns while the device works', async () => {
    await using(async (backend) => {
      await backend.prepare(sizes)
      let turns = 0
      const timer = setInterval(() => turns++, 0)
      for (let i = 0; i < 3 || turns === 0; i++) await backend.fill(seed, 1)
      clearInterval(timer)
      expect(turns).toBeGreaterThan(0)
    })
  })
})
