import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { QUICKNET, timeOf } from '../../src/beacon.ts'
import { QUICKNET_CHAIN_HASH } from '../../src/chain/drand.ts'
import { type Log, silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import type { Core } from '../../src/node/core.ts'
import { createNode } from '../../src/node/node.ts'
import { drandSource, openPulseBook } from '../../src/node/pulses.ts'
import { createNetwork, KNOWN_GENESIS } from '../../src/protocols/network.ts'
import { drandServer, RECORDED, roundJson } from '../support/drand-server.ts'

const [first, second] = [32_285_085, 32_285_086]
const net = createNetwork('finney', 51, Buffer.from(KNOWN_GENESIS['finney']!, 'hex'))

test('quicknet as it was recorded arrives at its time, verified; a false pulse does not', async () => {
  const stack = new AsyncDisposableStack()
  const life = new AbortController()
  onTestFinished(async () => {
    life.abort()
    await stack.disposeAsync()
  })
  // The day when these rounds were recorded, shortly before the first of them.
  const offsetMs = timeOf(QUICKNET, first) - 1200 - Date.now()
  const nowMs = (): number => Date.now() + offsetMs
  const honest = await drandServer(QUICKNET_CHAIN_HASH, (round, response) => {
    const signature = RECORDED.get(round)
    const isTime = nowMs() >= timeOf(QUICKNET, round) + 200
    if (signature === undefined || !isTime) return void response.writeHead(425).end()
    response.end(roundJson(round, signature))
  })
  const liar = await drandServer(QUICKNET_CHAIN_HASH, (round, response) =>
    response.end(roundJson(round, RECORDED.get(1000)!)),
  )
  const config = configWith({ network: 'finney', drand: [liar.url, honest.url] })
  const core = { config, net, log: silent, nowMs } as Core
  const pulses = openPulseBook(core, QUICKNET, stack)
  const heard = new Map<number, number>()
  pulses.subscribe(({ pulse, atMs }) => {
    heard.set(pulse.round, atMs - timeOf(QUICKNET, pulse.round))
  }, life.signal)
  void drandSource(core)!.follow(
    {
      has: (round) => pulses.get(round) !== undefined,
      take: async ({ round, signature }) => {
        const verdict = await pulses.offer(round, signature)
        return verdict === 'accept' || !('reject' in verdict)
      },
    },
    life.signal,
  )
  await vi.waitFor(() => expect(pulses.get(second)).toBeDefined(), { timeout: 20_000 })
  expect([...heard.keys()]).toEqual([first, second])
  for (const delayMs of heard.values()) expect(delayMs).toBeGreaterThanOrEqual(200)
  expect(Buffer.from(pulses.get(first)!.signature).toString('hex')).toBe(RECORDED.get(first))
  expect(pulses.clockFault()).toBeUndefined()
})

test('a pulse of the past comes from whichever server has it', async () => {
  const none = await drandServer(QUICKNET_CHAIN_HASH, (_, response) => {
    response.writeHead(404).end()
  })
  const server = await drandServer(QUICKNET_CHAIN_HASH, (round, response) => {
    const signature = RECORDED.get(round)
    if (signature === undefined) return void response.writeHead(404).end()
    response.end(roundJson(round, signature))
  })
  const config = configWith({ network: 'finney', drand: [none.url, server.url] })
  const source = drandSource({ config, net, log: silent, nowMs: Date.now } as Core)!
  const { signal } = new AbortController()
  const told = await source.pulse!(1000, signal)
  expect(Buffer.from(told!.signature).toString('hex')).toBe(RECORDED.get(1000))
  expect(await source.pulse!(1001, signal)).toBeUndefined()
})

test('without a server to ask, one warning says so', () => {
  const warnings: string[] = []
  const log: Log = { ...silent, warn: (event) => warnings.push(event), child: () => log }
  const config = configWith({ network: 'finney', drand: [] })
  expect(drandSource({ config, log, nowMs: Date.now, net } as Core)).toBeUndefined()
  expect(warnings).toEqual(['no-pulse-source'])
})

test.each([
  ['relay', true],
  ['renter', false],
] as const)('a %s of a public network asks its servers: %s', async (role, asks) => {
  const server = await drandServer(QUICKNET_CHAIN_HASH, (_, response) => {
    response.writeHead(425).end()
  })
  const dataDir = await mkdtemp(join(tmpdir(), 'cn-pulses-'))
  onTestFinished(() => rm(dataDir, { recursive: true }))
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const config = configWith({
    network: 'finney',
    roles: [role],
    drand: [server.url],
    ...(asks ? { chain: ['ws://127.0.0.1:1'] } : {}), // nothing is there: what is asked here is the beacon
    listen,
    dataDir,
  })
  await using node = await createNode(config, { log: silent })
  // What it forwards it judges first.
  expect(node.parts.proving !== undefined).toBe(asks)
  expect(node.parts.pulses !== undefined).toBe(asks)
  if (asks) await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(0), 10_000)
  expect(server.asked.length > 0).toBe(asks)
})
