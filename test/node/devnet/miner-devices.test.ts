import { afterAll, describe, expect, test } from 'vitest'
import { dockerFacts } from '../../../src/containers/docker-facts.ts'
import { createGpuDrivers, noGpuDrivers } from '../../../src/gpu/drivers.ts'
import { minerDevices } from '../../../src/node/devnet/miner-devices.ts'
import { openDrivers } from '../../../src/node/own-drivers.ts'
import { noDocker } from '../../support/docker.ts'
import { fakeNvidiaSmi } from '../../support/fake-nvidia-smi.ts'
import { requireOrSkip } from '../../support/skips.ts'

const fake = fakeNvidiaSmi()
afterAll(() => fake[Symbol.dispose]())
const twoH100 = () => createGpuDrivers({ ...fake.options })
const { signal } = new AbortController()
const gpuless =
  !noDocker &&
  requireOrSkip(
    (await dockerFacts(10_000)).gpus === undefined,
    'a Docker Engine that hands out no GPUs',
  )

describe.skipIf(!gpuless)('where Docker cannot hand out GPUs', () => {
  test('the miners of a devnet let the processor, and say why', async () => {
    const found = await minerDevices({ engine: 'auto', devices: 'auto' }, signal, twoH100)
    expect(found.devices).toBe('cpu')
    expect(found.why).toContain('cannot hand out the NVIDIA H100 80GB HBM3')
    expect(found.why).toContain('nvidia-container-toolkit')
  })

  test('a machine without GPUs needs no word', async () => {
    const found = await minerDevices({ engine: 'auto', devices: 'auto' }, signal, noGpuDrivers)
    expect(found).toEqual({ devices: 'auto' })
  })
})

test('processes are given GPUs, and what the owner chose stays', async () => {
  const processes = await minerDevices({ engine: 'process', devices: 'auto' }, signal, twoH100)
  expect(processes).toEqual({ devices: 'auto' })
  const chosen = await minerDevices({ engine: 'docker', devices: 'cpu' }, signal, twoH100)
  expect(chosen).toEqual({ devices: 'cpu' })
})

describe('--devices cpu', () => {
  test('has no GPUs, whatever the machine has', async () => {
    await using drivers = openDrivers({ devices: 'cpu', network: 'local' })
    expect(await drivers.read()).toEqual({ gpus: [], unnamed: [], errors: [] })
  })

  test('is refused outside of local networks', () => {
    expect(() => openDrivers({ devices: 'cpu', network: 'finney' })).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG_DEVICES' }),
    )
  })
})
