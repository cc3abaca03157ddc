import { expect, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import { createGpuDrivers, type MachineReading } from '../../src/gpu/drivers.ts'
import { type Gpu, NO_FIGURES } from '../../src/gpu/gpu.ts'
import { firstLook, nextTelemetry, telemetry } from '../../src/gpu/telemetry.ts'
import { fakeNvidiaSmi } from '../support/fake-nvidia-smi.ts'

const gpu = (id: string): Gpu => ({
  id,
  vendor: 'nvidia',
  name: 'H100',
  vramMiB: 81559,
})
const [a, b] = [gpu('a'), gpu('b')]
const figures = { ...NO_FIGURES, temperatureC: 40 }
const seen = (...gpus: Gpu[]) => gpus.map((gpu) => ({ gpu, figures }))
const reading = (change: Partial<MachineReading>): MachineReading => ({
  gpus: [],
  unnamed: [],
  errors: [],
  ...change,
})
const timeout = new NodeError('GPU_DRIVER_TIMEOUT', 'no answer')
const failed = new NodeError('GPU_DRIVER_FAILED', 'the driver is not loaded')

const both = firstLook(reading({ gpus: seen(a, b) }), 0)

/** What is said of each device after these readings. */
const after = (...readings: Partial<MachineReading>[]): string[] =>
  readings
    .reduce((state, one, i) => nextTelemetry(state, reading(one), i + 1), both)
    .samples.map(({ gpu, state, reason }) => `${gpu.id} ${state}${reason ? `: ${reason}` : ''}`)

test.each<[string, Partial<MachineReading>[], string[]]>([
  ['all there', [{ gpus: seen(a, b) }], ['a ok', 'b ok']],
  [
    'one vanishes',
    [{ gpus: seen(a, b) }, { gpus: seen(a) }],
    ['a ok', 'b lost: its driver does not list it any more'],
  ],
  [
    'one falls off the bus',
    [{ gpus: seen(a), unnamed: ['GPU is lost'] }],
    ['a ok', 'b lost: GPU is lost'],
  ],
  [
    'one needs a reset',
    [{ gpus: [...seen(a), { gpu: b, figures, fault: 'GPU requires reset' }] }],
    ['a ok', 'b lost: GPU requires reset'],
  ],
  [
    'the driver goes',
    [{ gpus: seen(a, b) }, { errors: [failed] }],
    ['a lost: the driver is not loaded', 'b lost: the driver is not loaded'],
  ],
  ['a driver is slow once', [{ gpus: seen(a, b) }, { errors: [timeout] }], ['a ok', 'b ok']],
  [
    'a driver hangs',
    [{ errors: [timeout] }, { errors: [timeout] }],
    ['a lost: no answer', 'b lost: no answer'],
  ],
  [
    'a driver is slow now and then',
    [{ errors: [timeout] }, { gpus: seen(a, b) }, { errors: [timeout] }],
    ['a ok', 'b ok'],
  ],
  ['it comes back', [{}, { gpus: seen(a, b) }], ['a ok', 'b ok']],
  ['a new one comes', [{ gpus: seen(a, b, gpu('c')) }], ['a ok', 'b ok', 'c ok']],
])('%s', (_, readings, expected) => {
  expect(after(...readings)).toEqual(expected)
})

test('a lost GPU shows no figures, and a CPU is never lost', () => {
  expect(both.samples[0]).toMatchObject({ state: 'ok', atMs: 0, figures })
  const lost = nextTelemetry(both, reading({}), 2)
  expect(lost.samples[0]).toMatchObject({ state: 'lost', atMs: 2, figures: NO_FIGURES })
  const cpu = nextTelemetry(firstLook(reading({}), 0), reading({ errors: [failed] }), 5)
  expect(cpu.samples).toMatchObject([{ state: 'ok', atMs: 5 }])
})

test('samples of a driver whose GPU vanishes and comes back, until the signal aborts', async () => {
  using smi = fakeNvidiaSmi()
  await using drivers = createGpuDrivers(smi.options)
  const life = new AbortController()
  const first = await drivers.read()
  const states: string[] = []
  const plan = [{ hidden: [1] }, { fails: 'driver gone' }, {}]
  const options = { drivers, first, intervalMs: 1, nowMs: Date.now, signal: life.signal }
  for await (const samples of telemetry(options)) {
    states.push(samples.map(({ state }) => state).join())
    const next = plan.shift()
    if (next === undefined) life.abort()
    else smi.set(next)
  }
  expect(states).toEqual(['ok,ok', 'ok,lost', 'lost,lost', 'ok,ok'])
})

test('a driver that comes after the start is found, and only one that was here once is asked all the time', async () => {
  const clock = { nowMs: 0 }
  using smi = fakeNvidiaSmi()
  const elsewhere = { PATH: `${smi.folder}/nothing` }
  const env = { ...elsewhere }
  await using drivers = createGpuDrivers({
    env,
    nvmlLibraries: [],
    absentEveryMs: 60_000,
    nowMs: () => clock.nowMs,
  })
  const found = async () => (await drivers.read()).gpus.length
  expect(await found()).toBe(0)
  env.PATH = smi.folder // its package is installed, its module loaded
  expect(await found()).toBe(0)
  clock.nowMs = 60_000
  expect(await found()).toBe(2)
  const calls = smi.calls().length
  expect(await found()).toBe(2)
  expect(smi.calls().length).toBeGreaterThan(calls)
})
