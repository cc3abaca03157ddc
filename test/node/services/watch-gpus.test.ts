import { delimiter } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LimitsAnswer } from '../../../src/api/gpus.ts'
import { runCli } from '../../../src/node/cli.ts'
import { createControlClient } from '../../../src/node/control/client.ts'
import type { GpuRow } from '../../../src/node/gpu-rows.ts'
import type { RunningNode } from '../../../src/node/node.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { noDocker } from '../../support/docker.ts'
import { fakeNvidiaSmi, hasOwnGpu } from '../../support/fake-nvidia-smi.ts'
import { tempFolder } from '../../support/lease-market.ts'
import { localNode } from '../../support/local-node.ts'

const WAIT = { timeout: 40_000, interval: 100 }
const smi = fakeNvidiaSmi()
const { PATH } = process.env
beforeAll(() => {
  process.env['PATH'] = `${smi.folder}${delimiter}${PATH}`
})
afterAll(() => {
  process.env['PATH'] = PATH
  smi[Symbol.dispose]()
})
afterEach(() => smi.set({}))

const [first, second] = ['pci-00000000:19:00.0', 'pci-00000000:3b:00.0']
const announced = ({ parts }: RunningNode) =>
  parts.capabilities.own()?.payload.devices.map(({ id }) => id)
const free = ({ parts }: RunningNode) => parts.hosting!.capacity.free()
const eventsOf = ({ parts }: RunningNode) =>
  parts.core.events
    .recent()
    .filter(({ event }) => event.startsWith('gpu-'))
    .map(({ event, gpu }) => `${event} ${gpu}`)
const rowsOf = async ({ control }: RunningNode): Promise<readonly GpuRow[]> => {
  using client = createControlClient(control.socketPath)
  return (await client.get<{ items: GpuRow[] }>('/v1/gpu')).items
}

test.skipIf(hasOwnGpu)(
  'a GPU that vanishes is announced no more and takes no lease; when it is back, so is everything',
  async () => {
    await using node = await localNode({ roles: ['miner'] })
    await vi.waitFor(() => expect(announced(node)).toEqual([first, second]), WAIT)
    expect(free(node)).toEqual([first, second])

    smi.set({ hidden: [1] })
    await vi.waitFor(() => expect(free(node)).toEqual([first]), WAIT)
    expect(() => node.parts.hosting!.capacity.reserve('lease', [second!])).toThrowError(/is lost/)
    await vi.waitFor(() => expect(announced(node)).toEqual([first]), WAIT)
    expect(await rowsOf(node)).toMatchObject([
      { id: first, state: 'ok', reason: null, temperatureC: 34 },
      { id: second, state: 'lost', reason: expect.stringContaining('list'), temperatureC: null },
    ])

    smi.set({ fails: "NVIDIA-SMI has failed because it couldn't communicate with the driver." })
    await vi.waitFor(() => expect(announced(node)).toEqual([]), WAIT)
    expect(node.parts.capabilities.own()?.payload.classes).toEqual([])

    smi.set({})
    await vi.waitFor(() => expect(announced(node)).toEqual([first, second]), WAIT)
    expect(free(node)).toEqual([first, second])
    expect(eventsOf(node)).toEqual([
      `gpu-lost ${second}`,
      `gpu-lost ${first}`,
      `gpu-back ${first}`,
      `gpu-back ${second}`,
    ])
  },
)

test.skipIf(hasOwnGpu)(
  'a GPU that is lost before the node starts is neither announced nor offered until it is back',
  async () => {
    smi.set({ set: { 0: { 'utilization.gpu': '[GPU requires reset]' } } })
    await using node = await localNode({ roles: ['miner'] })
    expect(free(node)).toEqual([second])
    smi.set({})
    await vi.waitFor(() => expect(free(node)).toEqual([first, second]), WAIT)
  },
)

test.skipIf(hasOwnGpu)(
  'a GPU that is found while the node runs is checked, announced, and free like all others',
  async () => {
    smi.set({ hidden: [1] })
    await using node = await localNode({ roles: ['miner'], backend: 'cpu' })
    await vi.waitFor(() => expect(announced(node)).toEqual([first]), WAIT)
    smi.set({})
    await vi.waitFor(() => expect(free(node)).toEqual([first, second]), WAIT)
    await vi.waitFor(() => expect(announced(node)).toEqual([first, second]), WAIT)
    expect(eventsOf(node)).toEqual([`gpu-found ${second}`])
    const passed = node.parts.preflight!.findings().filter(({ ok }) => ok)
    expect(passed.map(({ check }) => check)).toContain(`self-proof ${second}`)
    const [, row] = await rowsOf(node)
    expect(row).toMatchObject({ id: second, state: 'ok', proves: true, backend: 'cpu' })
  },
)

test('a node that is no miner has no GPUs to tell of', async () => {
  await using node = await localNode()
  await expect(rowsOf(node)).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
})

describe.skipIf(noDocker || hasOwnGpu)('with a container engine', () => {
  test('offers shrink, end and stand again, and others hear of it', async () => {
    await using other = await localNode()
    await using _node = await localNode({ roles: ['miner'], price: '2', bootstrap: other.addrs })
    const heard = () =>
      other.parts.offers
        .standing()
        .map(({ payload }) => [payload.dph, payload.devices.map(({ id }) => id)])
    await vi.waitFor(() => expect(heard()).toEqual([['2', [first, second]]]), WAIT)
    smi.set({ hidden: [0] })
    await vi.waitFor(() => expect(heard()).toEqual([['1', [second]]]), WAIT)
    smi.set({ fails: 'Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost.' })
    await vi.waitFor(() => expect(heard()).toEqual([]), WAIT)
    const told = () => other.parts.core.events.recent().map(({ event }) => event)
    await vi.waitFor(() => expect(told()).toContain('offer-withdrawn'), WAIT)
    smi.set({})
    await vi.waitFor(() => expect(heard()).toEqual([['2', [first, second]]]), WAIT)
  })
})

describe.skipIf(hasOwnGpu)("the owner's limits", () => {
  test('a GPU that is too hot is paused like one that is lost, and told of everywhere', async () => {
    await using other = await localNode()
    await using node = await localNode({ roles: ['miner'], maxTemp: 60, bootstrap: other.addrs })
    expect(free(node)).toEqual([first])
    await vi.waitFor(() => expect(announced(node)).toEqual([first]), WAIT)
    expect(() => node.parts.hosting!.capacity.reserve('lease', [second!])).toThrowError(
      /is paused: hotter than 60 °C/,
    )
    expect(await rowsOf(node)).toMatchObject([
      { id: first, state: 'ok' },
      { id: second, state: 'paused', reason: 'hotter than 60 °C', temperatureC: 66 },
    ])
    // Lost is more than paused.
    smi.set({ hidden: [1] })
    await vi.waitFor(async () => expect((await rowsOf(node))[1]!.state).toBe('lost'), WAIT)
    expect(eventsOf(node)).toEqual([`gpu-paused ${second}`, `gpu-lost ${second}`])
  })

  test('limits are changed while it runs, by command, at once and for good', async () => {
    const dataDir = await tempFolder()
    {
      await using node = await localNode({ roles: ['miner'], dataDir })
      const before = await limitsCommand(dataDir)
      expect(before).toMatchObject({ maxTempC: null, workHours: [], pauseWhenUsed: false })
      const hot = await limitsCommand(dataDir, ['--max-temp', '50', '--max-power', '500'])
      expect(hot).toMatchObject({
        maxTempC: 50,
        maxPowerW: 500,
        gpus: [
          { id: first, state: 'ok', powerKeptBy: 'pausing' },
          { id: second, state: 'paused', reason: 'hotter than 50 °C, drew more than 500 W' },
        ],
      })
      expect(free(node)).toEqual([first])
      expect(await limitsCommand(dataDir, ['--max-power', 'off'])).toMatchObject({
        maxTempC: 50,
        maxPowerW: null,
      })
    }
    await using again = await localNode({ roles: ['miner'], dataDir })
    expect(free(again)).toEqual([first])
    const lifted = await limitsCommand(dataDir, ['--max-temp', 'off'])
    expect(lifted).toMatchObject({ gpus: [{ state: 'ok' }, { state: 'ok' }] })
    expect(free(again)).toEqual([first, second])
    expect(eventsOf(again)).toEqual([`gpu-paused ${second}`, `gpu-resumed ${second}`])
  })

  test('outside its hours nothing works, also where there is only a processor', async () => {
    process.env['PATH'] = PATH
    try {
      const tomorrow = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][
        (new Date().getDay() + 2) % 7
      ]!
      await using node = await localNode({ roles: ['miner'], workHours: [tomorrow] })
      expect(free(node)).toEqual([])
      expect(await rowsOf(node)).toMatchObject([
        { id: 'cpu-0', state: 'paused', reason: `works ${tomorrow} only` },
      ])
    } finally {
      process.env['PATH'] = `${smi.folder}${delimiter}${PATH}`
    }
  })

  test('power is kept by the driver where it permits, and given back when the node stops', async () => {
    smi.set({ isRoot: true })
    const before = smi.calls().length
    const limitsSet = () =>
      smi
        .calls()
        .slice(before)
        .flatMap((call) => /-pl (\d+)/.exec(call)?.[1] ?? [])
    {
      await using node = await localNode({ roles: ['miner'], maxPower: 500 })
      expect(free(node)).toEqual([first, second])
      const { gpus } = await limitsOf(node)
      expect(gpus.map(({ powerKeptBy }) => powerKeptBy)).toEqual(['driver', 'driver'])
      expect(limitsSet().slice(0, 2)).toEqual(['500', '500'])
    }
    expect(limitsSet().slice(-2)).toEqual(['700', '700'])
  })

  test('programs of others pause the GPU they compute on', async () => {
    // Process 1 is no child of a test.
    smi.set({ apps: 'GPU-6b1b7d1e-9a1e-5b4c-8f0e-000000000001, 1, 4096' })
    await using node = await localNode({ roles: ['miner'], pauseWhenUsed: true })
    expect(await rowsOf(node)).toMatchObject([
      { state: 'paused', reason: 'another program computes on it' },
      { id: second },
    ])
  })

  test('what cannot be measured is said, and what reads as no limit refused', async () => {
    smi.set({ set: { 0: { 'temperature.gpu': '[N/A]' } } })
    await using node = await localNode({ roles: ['miner'], maxTemp: 90 })
    const { gpus } = await limitsOf(node)
    expect(gpus.map(({ unmeasured }) => unmeasured)).toEqual([['maxTempC'], []])
    using client = createControlClient(node.control.socketPath)
    const patch = client.patch('/v1/gpu/limits', { maxTempC: 5 })
    await expect(patch).rejects.toMatchObject({ code: 'BAD_CONFIG_VALUE' })
  })
})

const limitsOf = async ({ control }: RunningNode): Promise<LimitsAnswer> => {
  using client = createControlClient(control.socketPath)
  return await client.get<LimitsAnswer>('/v1/gpu/limits')
}

/** Runs `gpu limits --json` as a person would, in this process. */
async function limitsCommand(dataDir: string, flags: readonly string[] = []) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const terminal = { stdin: new PassThrough(), stdout, stderr }
  const argv = ['gpu', 'limits', ...flags, '--json', '--data-dir', dataDir]
  const { signal } = new AbortController()
  const exitCode = await runCli(argv, { terminal, env: {}, signal })
  const said = String(stdout.read())
  expect(exitCode, said).toBe(0)
  const document = JSON.parse(said) as LimitsAnswer
  outputSchemas['gpu limits']!.schema.parse(document)
  return document
}
