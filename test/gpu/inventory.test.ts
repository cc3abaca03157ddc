import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { createGpuDrivers, firstThatAnswers } from '../../src/gpu/drivers.ts'
import { NO_FIGURES } from '../../src/gpu/gpu.ts'
import { cpuDevice, detectGpus, devicesIn } from '../../src/gpu/inventory.ts'
import type { DriverReading, GpuSource } from '../../src/gpu/sources/source.ts'
import { fakeNvidiaSmi } from '../support/fake-nvidia-smi.ts'

const noOthers = { listNodes: async () => [] }
const empty = { env: { PATH: '/nonexistent' }, nvmlLibraries: [], leftovers: noOthers }

test('without any driver the machine is one device of class cpu, told honestly', async () => {
  expect(await detectGpus(empty)).toEqual([cpuDevice()])
  const cpu = cpuDevice()
  expect(cpu).toMatchObject({ id: 'cpu-0', vendor: 'cpu', cores: availableParallelism() })
  expect(cpu.vramMiB).toBeGreaterThan(0)
  expect(cpu.name).not.toBe('')
})

test('a driver that fails is told of, and hides no GPU of another', async () => {
  using smi = fakeNvidiaSmi({ fails: 'broken' })
  await using drivers = createGpuDrivers(smi.options)
  const { errors } = await drivers.read()
  expect(errors).toMatchObject([{ code: 'GPU_DRIVER_FAILED' }])
  const gpu = { ...cpuDevice(), id: 'pci-0000:03:00.0', vendor: 'amd' }
  const found = { gpus: [{ gpu, figures: NO_FIGURES }], unnamed: [], errors }
  expect(devicesIn(found)).toEqual([gpu])
})

const reading = (said: string): DriverReading => ({ gpus: [], unnamed: [said] })
const source = (name: string, read: GpuSource['read']): GpuSource => ({
  name,
  read,
  async [Symbol.asyncDispose]() {},
})
const options = { timeoutMs: 1000 }

test('the first way that answers is asked again, and when it fails the next', async () => {
  const asked: string[] = []
  let broken = false
  const vendor = firstThatAnswers([
    source('absent', async () => void asked.push('absent')),
    source('one', async () => {
      asked.push('one')
      if (broken) throw new Error('broken')
      return reading('one')
    }),
    source('two', async () => reading('two')),
  ])
  expect(await vendor.read(options)).toEqual(reading('one'))
  expect(await vendor.read(options)).toEqual(reading('one'))
  broken = true
  expect(await vendor.read(options)).toEqual(reading('two'))
  expect(asked).toEqual(['absent', 'one', 'one', 'one', 'absent'])
  broken = false
  expect(await vendor.read(options)).toEqual(reading('two'))
})

test('where no way is installed there is nothing; where all fail, the last failure is thrown', async () => {
  const absent = source('absent', async () => undefined)
  const failing = (text: string) => source(text, () => Promise.reject(new Error(text)))
  expect(await firstThatAnswers([absent]).read(options)).toBeUndefined()
  const all = firstThatAnswers([failing('first'), failing('second'), absent])
  await expect(all.read(options)).rejects.toThrow('second')
})

test('what limits no power says so', async () => {
  await using drivers = createGpuDrivers(empty)
  const gpu = { ...cpuDevice(), vendor: 'amd' }
  await expect(drivers.setPowerLimit(gpu, 100)).rejects.toMatchObject({ code: 'GPU_POWER_LIMIT' })
})
