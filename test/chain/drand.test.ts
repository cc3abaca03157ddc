import { hash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createBeacon, devBeacon, QUICKNET, roundAt, timeOf } from '../../src/beacon.ts'
import { fetchRound, QUICKNET_CHAIN_HASH } from '../../src/chain/drand.ts'
import { DrandServers } from '../../src/chain/drand-servers.ts'
import { followDrand } from '../../src/chain/follow-drand.ts'
import type { PulseSink, RawPulse } from '../../src/chain/pulses.ts'
import { type Log, silent } from '../../src/log.ts'
import { drandServer, RECORDED, roundJson } from '../support/drand-server.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const life = (): AbortSignal => {
  const owner = new AbortController()
  onTestFinished(() => owner.abort())
  return owner.signal
}
const ask = (url: string, round: number, timeoutMs = 5000) =>
  fetchRound({ url, chainHash: QUICKNET_CHAIN_HASH, round, timeoutMs }, life())

test('the chain hash commits to the period, genesis and key that pulses are verified with', () => {
  const times = Buffer.alloc(12)
  times.writeUInt32BE(QUICKNET.periodMs / 1000)
  times.writeBigInt64BE(BigInt(QUICKNET.genesisMs / 1000), 4)
  const group = Buffer.from(
    'f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e',
    'hex',
  )
  const preimage = Buffer.concat([times, QUICKNET.publicKey, group, Buffer.from('quicknet')])
  expect(hash('sha256', preimage)).toBe(QUICKNET_CHAIN_HASH)
})

test('recorded rounds of quicknet come as they are, and verify', async () => {
  const { url } = await drandServer(QUICKNET_CHAIN_HASH, (round, response) =>
    response.end(roundJson(round, RECORDED.get(round)!)),
  )
  const beacon = createBeacon(QUICKNET)
  for (const [round, signature] of RECORDED) {
    const told = await ask(url, round)
    expect(hex(told)).toBe(signature)
    expect(beacon.verify(round, told)).not.toBeNull()
    expect(beacon.verify(round + 1, told)).toBeNull()
  }
})

const good = RECORDED.get(1000)!
test.each<[string, (response: ServerResponse) => void, string]>([
  ['no JSON', (r) => r.end('<html>'), 'CHAIN_BEACON_BAD'],
  ['nothing', (r) => r.end(), 'CHAIN_BEACON_BAD'],
  ['another shape', (r) => r.end('[1,2]'), 'CHAIN_BEACON_BAD'],
  ['another round', (r) => r.end(roundJson(1001, good)), 'CHAIN_BEACON_BAD'],
  ['a short signature', (r) => r.end(roundJson(1000, good.slice(2))), 'CHAIN_BEACON_BAD'],
  ['a huge answer', (r) => r.end(roundJson(1000, good) + ' '.repeat(5000)), 'CHAIN_BEACON_BAD'],
  ['an error', (r) => r.writeHead(500).end('oops'), 'CHAIN_BEACON_UNREACHABLE'],
  [
    'a way to elsewhere',
    (r) => r.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    'CHAIN_BEACON_UNREACHABLE',
  ],
  ['a hang-up', (r) => r.destroy(), 'CHAIN_BEACON_UNREACHABLE'],
  ['not yet', (r) => r.writeHead(425).end(), 'CHAIN_BEACON_EARLY'],
  ['not found', (r) => r.writeHead(404).end('{}'), 'CHAIN_BEACON_EARLY'],
])('%s is refused', async (_, answer, code) => {
  const { url } = await drandServer(QUICKNET_CHAIN_HASH, (_round, response) => answer(response))
  await expect(ask(url, 1000)).rejects.toMatchObject({ code })
})

test('an endless answer and one that never ends are cut off', async () => {
  const endless = await drandServer(QUICKNET_CHAIN_HASH, (_, response) => {
    const more = (): void => {
      if (!response.destroyed && response.write(Buffer.alloc(16_384, 32))) setImmediate(more)
    }
    response.on('drain', more)
    more()
  })
  await expect(ask(endless.url, 1000)).rejects.toMatchObject({ code: 'CHAIN_BEACON_BAD' })
  const slow = await drandServer(QUICKNET_CHAIN_HASH, (_, response) => void response.write('{'))
  await expect(ask(slow.url, 1000, 200)).rejects.toMatchObject({ code: 'CHAIN_BEACON_UNREACHABLE' })
  await expect(ask('http://127.0.0.1:9', 1000)).rejects.toMatchObject({
    code: 'CHAIN_BEACON_UNREACHABLE',
  })
})

test('a server that answers is kept; one that fails pauses ever longer, one that lies longest', () => {
  const servers = new DrandServers(['a', 'b'], () => 0.5)
  expect(servers.next(0)).toBe('b')
  servers.answered('a')
  expect(servers.next(0)).toBe('a')
  servers.early('a')
  expect(servers.next(0)).toBe('b')
  servers.failed('b', 0)
  expect([servers.next(0), servers.next(1000)]).toEqual(['a', 'b'])
  servers.failed('b', 1000)
  servers.lied('a', 1000)
  expect([servers.next(2999), servers.readyAtMs(), servers.next(3000)]).toEqual([
    undefined,
    3000,
    'b',
  ])
  for (let i = 0; i < 20; i++) servers.failed('b', 0)
  expect(servers.readyAtMs()).toBe(120_000)
  expect(servers.next(600_999)).toBe('b')
})

/** A follower of a fast beacon of our own, whose rounds verify or do not as those of quicknet. */
function follower(urls: readonly string[], periodMs = 300, round = 101) {
  const genesisMs = Date.now() - (round - 1) * periodMs
  const beacon = devBeacon(new Uint8Array(32).fill(5), periodMs, genesisMs)
  const kept = new Map<number, RawPulse>()
  const sink: PulseSink = {
    has: (round) => kept.has(round),
    async take(pulse) {
      if (beacon.verify(pulse.round, pulse.signature) === null) return false
      kept.set(pulse.round, pulse)
      return true
    },
  }
  const warnings: string[] = []
  const log: Log = { ...silent, warn: (event) => warnings.push(event), child: () => log }
  const from = { urls, chainHash: 'ab', beacon, log, nowMs: Date.now, random: () => 0 }
  const start = (): void => void followDrand(sink, from, life())
  return { beacon, kept, warnings, start }
}

/** Answers with true rounds, none before its time. */
const truth =
  (beacon: ReturnType<typeof follower>['beacon']) =>
  (round: number, response: ServerResponse): void => {
    if (Date.now() < timeOf(beacon, round)) return void response.writeHead(425).end()
    response.end(roundJson(round, hex(beacon.sign(round).signature)))
  }

const WAIT = { timeout: 30_000, interval: 20 }

test('every round is asked for at its time; what was missed before is fetched', async () => {
  const server = await drandServer('ab', (_, response) => void response.writeHead(500).end())
  const one = follower([server.url])
  server.answer = truth(one.beacon)
  const first = roundAt(one.beacon, Date.now()) + 1
  one.start()
  await vi.waitFor(() => {
    for (const round of [first - 5, first - 1, first, first + 4]) {
      expect(one.kept.has(round)).toBe(true)
    }
  }, WAIT)
  expect(Math.min(...server.asked)).toBeGreaterThan(first - 61)
  expect(one.warnings).toEqual([])
})

test('beside servers that lie, fail, hang and flood, an honest one is enough', async () => {
  const wrong = await drandServer('ab', (round, response) =>
    response.end(roundJson(round, RECORDED.get(1000)!)),
  )
  const down = await drandServer('ab', (_, response) => void response.writeHead(503).end())
  const mute = await drandServer('ab', () => undefined)
  const huge = await drandServer('ab', (_, response) => void response.end(Buffer.alloc(1 << 20)))
  const honest = await drandServer('ab', (_, response) => void response.writeHead(500).end())
  const all = [wrong, down, mute, huge, honest]
  const one = follower(all.map(({ url }) => url))
  honest.answer = truth(one.beacon)
  one.start()
  await vi.waitFor(() => expect(one.kept.size).toBeGreaterThan(60), WAIT)
  for (const { round, signature } of one.kept.values()) {
    expect(one.beacon.verify(round, signature)).not.toBeNull()
  }
  expect(wrong.asked).toHaveLength(1)
  expect(one.warnings).toEqual(['beacon-server-lied'])
})

test('while no server helps, one warning says so, and it goes on when one does', async () => {
  const server = await drandServer('ab', (_, response) => void response.writeHead(500).end())
  const one = follower([server.url])
  one.start()
  await vi.waitFor(() => expect(one.warnings).toEqual(['beacon-unreachable']), WAIT)
  const seen = roundAt(one.beacon, Date.now())
  await vi.waitFor(() => expect(roundAt(one.beacon, Date.now())).toBeGreaterThan(seen + 6), WAIT)
  expect(one.warnings).toEqual(['beacon-unreachable'])
  server.answer = truth(one.beacon)
  await vi.waitFor(() => expect(one.kept.size).toBeGreaterThan(3), WAIT)
  expect(server.asked.length).toBeLessThan(200)
})

test('rounds that came by other ways are not asked for', async () => {
  const server = await drandServer('ab', (_, response) => void response.writeHead(500).end())
  const one = follower([server.url])
  const now = roundAt(one.beacon, Date.now())
  for (let round = now - 80; round < now + 10; round++) {
    one.kept.set(round, one.beacon.sign(round))
  }
  one.start()
  await vi.waitFor(() => expect(roundAt(one.beacon, Date.now())).toBeGreaterThan(now + 4), WAIT)
  expect(server.asked).toEqual([])
})

test('now and then a round is asked for early: that shows a clock that is behind', async () => {
  const server = await drandServer('ab', () => undefined)
  const one = follower([server.url], 2000, 79)
  server.answer = (round, response) =>
    response.end(roundJson(round, hex(one.beacon.sign(round).signature)))
  one.start()
  await vi.waitFor(() => expect(one.kept.has(80)).toBe(true), WAIT)
  expect(Date.now()).toBeLessThan(timeOf(one.beacon, 80))
})
