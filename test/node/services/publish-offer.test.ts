import { expect, test, vi } from 'vitest'
import { isEarlierPrice } from '../../../src/node/frozen-price.ts'
import { createCapacity } from '../../../src/node/leases/capacity.ts'
import { OPEN_POLICY } from '../../../src/node/leases/policy.ts'
import type { Machine } from '../../../src/node/machine.ts'
import type { RunningNode } from '../../../src/node/node.ts'
import { publishOffer } from '../../../src/node/services/publish-offer.ts'
import { parseQuery } from '../../../src/query/parse.ts'
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
const all = ({ parts }: RunningNode) => parts.offers.standing().map(({ payload }) => payload)
const standing = (node: RunningNode) => all(node).filter(({ taken }) => taken !== true)

/** Runs the service on a node of its own. */
async function publishing(
  price: string | undefined,
  machine: ReturnType<typeof machineOf> & Pick<Machine, 'room'> = machineOf(),
  more: object = {},
) {
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
    ...more,
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

test('an offer tells what a lease of what it has gets, of cores and memory', async () => {
  const room = (leased: number) => ({ memoryMiB: 100 * leased, milliCpus: 1500 * leased })
  const { node, machine, stop } = await publishing('3', { ...machineOf(), room })
  await using _ = node
  expect(standing(node)).toMatchObject([{ host: { ramMiB: 200, cpuCores: 3 } }])
  machine.capacity.reserve('lease', ['gpu-0'])
  const half = { ramMiB: 100, cpuCores: 1, milliCpus: 1500 }
  await vi.waitFor(() => expect(standing(node)).toMatchObject([{ host: half }]), WAIT)
  expect(node.parts.offers.search(parseQuery('cpu_cores=1.5 rentable=true'))).toHaveLength(1)
  await stop()
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

test('what is let is offered to wait for, the whole machine of it, unless no queue is kept', async () => {
  const rules = { ...OPEN_POLICY }
  const listeners: (() => Promise<void>)[] = []
  const policy = {
    now: () => rules,
    onChange: (one: () => Promise<void>) => listeners.push(one),
  }
  const { node, machine, stop } = await publishing('3', machineOf(), { policy })
  await using _ = node
  const taken = () => all(node).filter((offer) => offer.taken === true)
  expect(taken()).toEqual([])
  machine.capacity.reserve('lease', ['gpu-0'])
  const whole = { lot: 1, dph: '3', devices: [{ id: 'gpu-0' }, { id: 'gpu-1' }] }
  await vi.waitFor(() => expect(taken()).toMatchObject([whole]), WAIT)
  expect(node.parts.offers.search(parseQuery('rentable=true'))).toHaveLength(1)
  Object.assign(rules, { maxWaiting: 0 })
  await listeners[0]!()
  expect(taken()).toEqual([])
  await stop()
})

test('a price that has changed is offered from then on, and what was signed before counts until it expires', async () => {
  const now = { perHour: '3', asset: 'DEV' }
  const price = { now: () => now, step: async () => false }
  const rules = { ...OPEN_POLICY }
  const listeners: (() => Promise<void>)[] = []
  const policy = {
    now: () => rules,
    onChange: (one: () => Promise<void>) => listeners.push(one),
  }
  const { node, stop } = await publishing('3', machineOf(), { policy, price })
  await using _ = node
  const [before] = standing(node)
  now.perHour = '3.3'
  Object.assign(rules, { maxLeaseMs: 7_200_000 })
  await listeners[0]!()
  const [after] = standing(node)
  expect(after).toMatchObject({ dph: '3.3', terms: { maxLeaseMs: 7_200_000 } })
  expect(after!.seq).toBeGreaterThan(before!.seq)
  expect(isEarlierPrice(before!, [after!])).toBe(true)
  expect(isEarlierPrice(after!, [before!])).toBe(false)
  expect(isEarlierPrice({ ...before!, devices: [before!.devices[0]!] }, [after!])).toBe(false)
  expect(isEarlierPrice({ ...before!, asset: 'TAO' }, [after!])).toBe(false)
  await stop()
})

test('each engine offers what is on it, with its own machine; one that is away offers nothing', async () => {
  const [local, remote] = [devices[0]!, { ...devices[1]!, id: 'gpu-1@rig' }]
  const capacity = createCapacity([local.id, remote.id, 'unclaimed'], (id) =>
    id === remote.id ? 'rig' : id === local.id ? 'here' : '',
  )
  const { host } = machineOf()
  const there = { ...host, cpuCores: 64 }
  const room = { memoryMiB: 32, milliCpus: 2000 }
  const got = { cpuCores: 2, ramMiB: 32 }
  const held = { runtime: 'runc', fenced: false, diskQuota: false, remote: true } as const
  const common = { url: '', runs: {} as never, engine: 'docker', room: () => room }
  const engines = [
    { ...common, name: 'here', devices: [local], host, isProven: true },
    { ...common, name: 'rig', devices: [remote], host: there, isolation: held, isProven: false },
  ]
  const machine = { ...machineOf(), capacity, engines }
  const now = { perHour: '3', exclusivePerHour: '4', asset: 'DEV' }
  const price = { now: () => now, step: async () => false }
  const { node, stop } = await publishing('3', machine, { price })
  await using _ = node
  expect(standing(node).toSorted((a, b) => a.lot - b.lot)).toMatchObject([
    {
      lot: 0,
      dph: '1.5',
      exclusiveDph: '2',
      devices: [{ id: 'gpu-0' }],
      host: { ...host, ...got },
    },
    {
      lot: 2,
      dph: '1.5',
      devices: [{ id: 'gpu-1@rig' }],
      host: { ...there, ...got },
      isolation: held,
    },
  ])
  // What proves nothing anyway is not sold as exclusive.
  expect(standing(node).find(({ lot }) => lot === 2)).not.toHaveProperty('exclusiveDph')
  expect(node.parts.offers.search(parseQuery('remote=true'))).toHaveLength(1)
  expect(node.parts.offers.search(parseQuery('verified=true'))).toHaveLength(0)
  capacity.reserve('lease', [remote.id])
  await vi.waitFor(
    () =>
      expect(
        all(node)
          .map(({ lot }) => lot)
          .toSorted(),
      ).toEqual([0, 3]),
    WAIT,
  )
  capacity.shut('it does not answer', 'rig')
  await vi.waitFor(() => expect(all(node).map(({ lot }) => lot)).toEqual([0]), WAIT)
  capacity.shut(undefined, 'rig')
  capacity.release('lease')
  await vi.waitFor(
    () =>
      expect(
        all(node)
          .map(({ lot }) => lot)
          .toSorted(),
      ).toEqual([0, 2]),
    WAIT,
  )
  await stop()
  expect(all(node)).toEqual([])
})
