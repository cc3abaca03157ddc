import { expect, onTestFinished, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import { NO_FIGURES } from '../../src/gpu/gpu.ts'
import type { GpuSample } from '../../src/gpu/telemetry.ts'
import { silent } from '../../src/log.ts'
import { createPowerCaps } from '../../src/node/power-caps.ts'
import { openStore } from '../../src/node/store.ts'
import { tempFolder } from '../support/lease-market.ts'

/** A driver that keeps limits as told, or refuses, and a store that outlives who uses it. */
async function bench() {
  const store = await openStore(await tempFolder())
  onTestFinished(() => store[Symbol.asyncDispose]())
  const bucket = store.bucket('gpu-power')
  const driver = { isRoot: true, limitW: 450 as number | null, calls: [] as number[] }
  const drivers = {
    async setPowerLimit(_: unknown, watts: number) {
      driver.calls.push(watts)
      if (!driver.isRoot) throw new NodeError('GPU_POWER_LIMIT', 'only root may')
      driver.limitW = watts
    },
  }
  const sample = (changes: Partial<GpuSample> = {}): GpuSample => ({
    gpu: { id: 'a', vendor: 'nvidia', name: 'RTX', vramMiB: 1 },
    atMs: 0,
    state: 'ok',
    reason: null,
    figures: { ...NO_FIGURES, powerLimitW: driver.limitW },
    ...changes,
  })
  const caps = () => createPowerCaps({ drivers, bucket, log: silent })
  return { driver, sample, caps }
}

test('a limit is set once, corrected when it is lost, changed, and taken back', async () => {
  const { driver, sample, caps } = await bench()
  const own = caps()
  for (const _ of [1, 2]) expect([...(await own.apply([sample()], 300))]).toEqual(['a'])
  expect(driver.calls).toEqual([300])
  driver.limitW = 450
  expect([...(await own.apply([sample()], 300))]).toEqual(['a'])
  expect([...(await own.apply([sample()], 350))]).toEqual(['a'])
  // No more than was in force before.
  expect([...(await own.apply([sample()], 600))]).toEqual(['a'])
  expect(driver.calls).toEqual([300, 300, 350, 450])
  expect([...(await own.apply([sample()], 250))]).toEqual(['a'])
  expect([...(await own.apply([sample()], null))]).toEqual([])
  await own.apply([sample()], null)
  expect(driver.calls).toEqual([300, 300, 350, 450, 250, 450])
})

test('where only root may, it is asked once for each limit', async () => {
  const { driver, sample, caps } = await bench()
  driver.isRoot = false
  const own = caps()
  for (const _ of [1, 2, 3]) expect([...(await own.apply([sample()], 300))]).toEqual([])
  expect(driver.calls).toEqual([300])
  await own.apply([sample()], 320)
  expect(driver.calls).toEqual([300, 320])
  await own.apply([sample()], null)
  await own.restore()
  expect(driver.calls).toEqual([300, 320])
})

test('a lower limit of somebody else is kept, and left alone', async () => {
  const { driver, sample, caps } = await bench()
  driver.limitW = 200
  const own = caps()
  expect([...(await own.apply([sample()], 300))]).toEqual(['a'])
  await own.restore()
  expect(driver.calls).toEqual([])
})

test('what was in force before comes back when the node stops, also after it was killed once', async () => {
  const { driver, sample, caps } = await bench()
  await caps().apply([sample()], 300)
  const second = caps()
  await second.apply([sample()], 280)
  expect(driver.limitW).toBe(280)
  await second.restore()
  expect(driver.limitW).toBe(450)
  await caps().apply([sample()], 300)
  await caps().apply([sample()], null)
  expect(driver.limitW).toBe(450)
})

test('slices, lost GPUs and processors have no limit to set', async () => {
  const { driver, sample, caps } = await bench()
  const { gpu } = sample()
  const samples = [
    sample({ gpu: { ...gpu, mig: { parent: 'p', profile: '1g.10gb' } } }),
    sample({ gpu: { ...gpu, id: 'cpu-0', vendor: 'cpu' } }),
    sample({ state: 'lost' }),
  ]
  expect([...(await caps().apply(samples, 300))]).toEqual([])
  expect(driver.calls).toEqual([])
})

test('a driver that tells no limit is believed when it takes one', async () => {
  const { driver, sample, caps } = await bench()
  driver.limitW = null
  const own = caps()
  const untold = sample()
  for (const _ of [1, 2]) expect([...(await own.apply([untold], 300))]).toEqual(['a'])
  expect(driver.calls).toEqual([300])
  await own.restore()
  expect(driver.calls).toEqual([300])
})
