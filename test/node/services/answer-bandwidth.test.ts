import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../../src/clock.ts'
import { measureBandwidth } from '../../../src/node/bench/measure-bandwidth.ts'
import type { RunningNode } from '../../../src/node/node.ts'
import { BANDWIDTH_BYTES, bandwidth } from '../../../src/protocols/bandwidth.ts'
import { openTunnel } from '../../../src/protocols/tunnel.ts'
import { MiB } from '../../../src/units.ts'
import { localNode } from '../../support/local-node.ts'

const { signal } = new AbortController()
let [relay, first, second] = [] as unknown as [RunningNode, RunningNode, RunningNode]

beforeAll(async () => {
  relay = await localNode({ roles: ['relay'] })
  const renter = { roles: ['renter'], bootstrap: relay.addrs } as const
  ;[first, second] = await Promise.all([
    localNode({ ...renter, roles: ['renter'] }),
    localNode({ ...renter, roles: ['renter'] }),
  ])
}, 60_000)
afterAll(async () => {
  for (const node of [first, second, relay]) await node?.[Symbol.asyncDispose]()
}, 60_000)

const id = ({ parts }: RunningNode): string => parts.core.peerId
const open = (asked: { direction: 'down' | 'up'; maxBytes: number; maxMs: number }, by = first) =>
  openTunnel(by.parts.rpc, bandwidth, id(relay), asked, signal)
const limits = { maxBytes: 2 * MiB, maxMs: 250 }

/** Whoever is refused tries again: the line rests after each visit. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 8; ; tries--) {
    try {
      return await work()
    } catch (error) {
      if (tries === 0 || (error as { code?: string }).code !== 'REFUSED_BUSY') throw error
      await sleep(2000)
    }
  }
}

test('both directions are measured, and stages told', { timeout: 60_000 }, async () => {
  const stages: string[] = []
  const found = await patiently(() =>
    measureBandwidth(first.parts.rpc, id(relay), signal, (stage) => stages.push(stage), limits),
  )
  expect(found.downMbps).toBeGreaterThan(0)
  expect(found.upMbps).toBeGreaterThan(0)
  expect(stages).toEqual(['down', 'up'])
})

test('no more bytes come than were asked for, and never two peers at once', {
  timeout: 60_000,
}, async () => {
  const channel = await patiently(() => open({ direction: 'down', ...limits }))
  let bytes = 0
  let refusal: unknown
  for await (const { data } of channel.frames()) {
    bytes += data.length
    refusal ??= await open({ direction: 'down', ...limits }, second).catch((error) => error)
  }
  expect(bytes).toBe(limits.maxBytes)
  expect(refusal).toMatchObject({ code: 'REFUSED_BUSY' })
})

test('a visitor that says nothing, or takes nothing, is put out', { timeout: 60_000 }, async () => {
  const channel = await patiently(() => open({ direction: 'up', maxBytes: MiB, maxMs: 1 }, second))
  await expect(
    (async () => {
      for await (const _ of channel.frames());
    })(),
  ).rejects.toMatchObject({ code: 'REFUSED_BUSY', message: expect.stringContaining('too long') })
})

test('a request beyond the limits, and a renter, are refused', { timeout: 60_000 }, async () => {
  const asked = { direction: 'down', maxBytes: BANDWIDTH_BYTES + 1, maxMs: 1 } as const
  await expect(open(asked)).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  await expect(
    measureBandwidth(relay.parts.rpc, id(first), signal, undefined, limits),
  ).rejects.toMatchObject({ code: 'PEER_UNSUPPORTED' })
})
