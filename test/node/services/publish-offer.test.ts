import { expect, test, vi } from 'vitest'
import { createCapacity } from '../../../src/node/leases/capacity.ts'
import type { RunningNode } from '../../../src/node/node.ts'
import { publishOffer } from '../../../src/node/services/publish-offer.ts'
import { localNode } from '../../support/local-node.ts'
import { offerOf, testKey } from '../../support/market.ts'

const WAIT = { timeout: 10_000, interval: 20 }
const devices = ['gpu-0', 'gpu-1'].map((id) => ({
  id,
  vendor: 'nvidia',
  name: 'NVIDIA H100',
  vramMiB: 81_559,
  uuid: `GPU-${id}`,
}))
const machineOf = (engine = 'docker') => {
  const capacity = createCapacity(devices.map(({ id }) => id))
  return { devices, backend: 'cuda', engine, host: offerOf(testKey(1)).host, capacity }
}
const standing = ({ parts }: RunningNode) => parts.offers.standing().map(({ payload }) => payload)

/** Runs the service on a node of its own. */
async function publishing(price: string | undefined, machine = machineOf()) {
  const node = await localNode(price === undefined ? {} : { price })
  const warned: unknown[] = []
  const core = {
    ...node.parts.core,
    log: {
      ...node.parts.core.log,
      warn: (event: string, fields?: object) => warned.push({ event, ...fields }),
    },
  }
  const measuredOf = (_: string, id: string) => ({ mops: id === 'gpu-0' ? 5 : 7, attestations: [] })
  const service = publishOffer({
    core,
    offers: node.parts.offers,
    machine,
    scores: { measuredOf } as never,
  })
  const life = new AbortController()
  await service.start(life.signal)
  const stop = async (): Promise<void> => {
    life.abort()
    await service.stop?.()
  }
  return { node, warned, machine, stop }
}

test('what is free is offered at its share of the price, with what was measured', async () => {
  const { node, machine, stop } = await publishing('3')
  await using _ = node
  expect(standing(node)).toMatchObject([
    { dph: '3', devices: [{ id: 'gpu-0', measured: { mops: 5 } }, { id: 'gpu-1' }] },
  ])
  expect(JSON.stringify(standing(node))).not.toContain('GPU-gpu-0') // which board it is, is for the capability record
  machine.capacity.reserve('lease', ['gpu-0'])
  await vi.waitFor(
    () => expect(standing(node)).toMatchObject([{ dph: '1.5', devices: [{ id: 'gpu-1' }] }]),
    WAIT,
  )
  machine.capacity.reserve('other', ['gpu-1'])
  await vi.waitFor(() => expect(standing(node)).toEqual([]), WAIT)
  machine.capacity.release('lease')
  await vi.waitFor(
    () => expect(standing(node)).toMatchObject([{ devices: [{ id: 'gpu-0' }] }]),
    WAIT,
  )
  await stop()
  expect(standing(node)).toEqual([])
})

test.each([
  ['a price', undefined, 'docker', '--price'],
  ['a container engine', '1', 'none', 'doctor'],
])('a miner without %s offers nothing and says what to do', async (_, price, engine, next) => {
  const { node, warned, stop } = await publishing(price, machineOf(engine))
  await using _node = node
  expect(standing(node)).toEqual([])
  expect(warned).toEqual([
    expect.objectContaining({ event: 'no-offer', next: expect.stringContaining(next) }),
  ])
  await stop()
})
