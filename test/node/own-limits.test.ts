import { expect, onTestFinished, test } from 'vitest'
import { NO_LIMITS } from '../../src/gpu/limits.ts'
import { silent } from '../../src/log.ts'
import { type Config, configWith, loadConfig } from '../../src/node/config.ts'
import { createOwnLimits, limitsOf, limitsPatch } from '../../src/node/own-limits.ts'
import { openStore } from '../../src/node/store.ts'
import { tempFolder } from '../support/lease-market.ts'

const store = async () => {
  const opened = await openStore(await tempFolder())
  onTestFinished(() => opened[Symbol.asyncDispose]())
  return opened
}
const limitsWith = (opened: Awaited<ReturnType<typeof store>>, changes: Partial<Config> = {}) =>
  createOwnLimits({ store: opened, config: configWith(changes), log: silent })

test('options set limits, and the words that lift them', () => {
  const load = (env: Record<string, string>) => limitsOf(loadConfig({ env }))
  expect(load({})).toEqual(NO_LIMITS)
  expect(
    load({
      COMPUTE_NODE_MAX_TEMP: '80',
      COMPUTE_NODE_MAX_POWER: 'off',
      COMPUTE_NODE_MAX_LOAD: '50',
      COMPUTE_NODE_WORK_HOURS: 'mon-fri 18:00-08:00, sat-sun',
      COMPUTE_NODE_PAUSE_WHEN_USED: 'true',
    }),
  ).toEqual({
    maxTempC: 80,
    maxPowerW: null,
    maxLoadPercent: 50,
    workHours: ['mon-fri 18:00-08:00', 'sat-sun'],
    pauseWhenUsed: true,
  })
  expect(load({ COMPUTE_NODE_WORK_HOURS: 'always' }).workHours).toEqual([])
})

test.each([
  ['COMPUTE_NODE_MAX_TEMP', '12', /30 to 120/],
  ['COMPUTE_NODE_WORK_HOURS', 'at night', /22:00-06:00/],
])('%s=%s is refused with what was expected', (name, value, expected) => {
  expect(() => loadConfig({ env: { [name]: value } })).toThrowError(expected)
})

test('a change counts at once and after a restart, until the option itself says something else', async () => {
  const opened = await store()
  const first = await limitsWith(opened, { maxTemp: 80 })
  let heard = 0
  const life = new AbortController()
  first.onChange(async () => void heard++, life.signal)
  expect(await first.change({ maxTempC: 70, workHours: ['22:00-06:00'] })).toEqual({
    ...NO_LIMITS,
    maxTempC: 70,
    workHours: ['22:00-06:00'],
  })
  life.abort()
  await first.change({ maxTempC: null })
  expect(heard).toBe(1)
  const second = await limitsWith(opened, { maxTemp: 80 })
  expect(second.now()).toMatchObject({ maxTempC: null, workHours: ['22:00-06:00'] })
  const third = await limitsWith(opened, { maxTemp: 75 })
  expect(third.now()).toMatchObject({ maxTempC: 75, workHours: ['22:00-06:00'] })
})

test('a change that cannot be stored does not count, and the next one does', async () => {
  const opened = await store()
  const bucket = opened.bucket('gpu-limits')
  const faults = { isFull: true }
  const put: typeof bucket.put = async (...args: [string, Uint8Array]) => {
    if (faults.isFull) throw new Error('no space left on device')
    return bucket.put(...args)
  }
  const faulty = { ...opened, bucket: () => ({ get: bucket.get.bind(bucket), put }) as never }
  const limits = await limitsWith(faulty)
  let heard = 0
  limits.onChange(async () => void heard++, new AbortController().signal)
  await expect(limits.change({ maxTempC: 70 })).rejects.toThrow('no space')
  expect([limits.now(), heard]).toEqual([NO_LIMITS, 0])
  faults.isFull = false
  await Promise.all([limits.change({ maxTempC: 60 }), limits.change({ maxPowerW: 300 })])
  expect(limits.now()).toMatchObject({ maxTempC: 60, maxPowerW: 300 })
  expect((await limitsWith(opened)).now()).toEqual(limits.now())
})

test.each(['no JSON', '[1]', '{"maxTempC":{"value":9000,"over":null},"x":{"value":1}}'])(
  'a store that holds %s sets no limits',
  async (text) => {
    const opened = await store()
    await opened.bucket('gpu-limits').put('limits', Buffer.from(text))
    expect((await limitsWith(opened)).now()).toEqual(NO_LIMITS)
  },
)

test.each([
  { maxTempC: 20 },
  { maxTempC: '80' },
  { workHours: ['never'] },
  { workHours: '22:00-06:00' },
  { hotter: 1 },
  [],
  null,
])('a change to %j is refused', (patch) => {
  expect(limitsPatch.safeParse(patch).success).toBe(false)
})
