import { delimiter } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createControlClient } from '../../../src/node/control/client.ts'
import type { GpuRow } from '../../../src/node/gpu-rows.ts'
import type { RunningNode } from '../../../src/node/node.ts'
import { noDocker } from '../../support/docker.ts'
import { fakeNvidiaSmi } from '../../support/fake-nvidia-smi.ts'
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

test('a GPU that vanishes is announced no more and takes no lease; when it is back, so is everything', async () => {
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
})

test('a GPU that is lost before the node starts is neither announced nor offered until it is back', async () => {
  smi.set({ set: { 0: { 'utilization.gpu': '[GPU requires reset]' } } })
  await using node = await localNode({ roles: ['miner'] })
  expect(free(node)).toEqual([second])
  smi.set({})
  await vi.waitFor(() => expect(free(node)).toEqual([first, second]), WAIT)
})

test('a node that is no miner has no GPUs to tell of', async () => {
  await using node = await localNode()
  await expect(rowsOf(node)).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
})

describe.skipIf(noDocker)('with a container engine', () => {
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
    const withdrawn = other.parts.core.events.recent().map(({ event }) => event)
    expect(withdrawn).toContain('offer-withdrawn')
    smi.set({})
    await vi.waitFor(() => expect(heard()).toEqual([['2', [first, second]]]), WAIT)
  })
})
