// Every protocol and every topic of one whole node, with real bytes of a hostile peer: what is malformed, oversized,
// forged, replayed or of another network is refused, and the node serves on.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { silent } from '../../src/log.ts'
import type { RunningNode } from '../../src/node/node.ts'
import { topics } from '../../src/node/roles.ts'
import { challenge } from '../../src/protocols/challenge.ts'
import { encodeCbor } from '../../src/protocols/codec.ts'
import { leaseProtocol } from '../../src/protocols/lease.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { offersTopic, sealOffer } from '../../src/protocols/offers.ts'
import { pulses } from '../../src/protocols/pulses.ts'
import { receiptsProtocol } from '../../src/protocols/receipts.ts'
import { refusalError } from '../../src/protocols/refusal.ts'
import { sessionProtocol } from '../../src/protocols/session.ts'
import { sync } from '../../src/protocols/sync.ts'
import { topicName } from '../../src/protocols/topic.ts'
import { transcript } from '../../src/protocols/transcript.ts'
import {
  createFrameParser,
  frameHead,
  messageFrame,
  readMessage,
  tags,
} from '../../src/protocols/wire.ts'
import { MiB } from '../../src/units.ts'
import { localNode } from '../support/local-node.ts'
import { offerOf } from '../support/market.ts'

const protocols = [
  challenge,
  leaseProtocol,
  pulses,
  receiptsProtocol,
  sessionProtocol,
  sync,
  transcript,
]
const WAIT = { timeout: 30_000, interval: 100 }

const life = new AbortController()
let folder: string
let victim: RunningNode
let attacker: RunningNode

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-hostile-'))
  const chain = await startDevChain({
    dataDir: join(folder, 'chain'),
    log: silent,
    signal: life.signal,
  })
  const market = { genesis: chain.genesis.slice(2), chain: [chain.url], netuid: 1 }
  victim = await localNode({
    ...market,
    roles: ['miner', 'validator', 'renter'],
    price: '1',
    peers: [],
  })
  attacker = await localNode({ ...market, roles: ['renter'], bootstrap: victim.addrs })
  await vi.waitFor(() => {
    expect(attacker.parts.rpc.hello.greeted(victim.parts.core.peerId)).toBe(true)
  }, WAIT)
}, 120_000)

afterAll(async () => {
  await attacker?.[Symbol.asyncDispose]()
  await victim?.[Symbol.asyncDispose]()
  life.abort()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}, 60_000)

const open = (name: string): Promise<Duplex> =>
  attacker.parts.rpc.peers.open(name, victim.parts.core.peerId, AbortSignal.timeout(20_000))

/** Sends raw bytes and resolves with the code of the refusal, or `closed` when the stream ended without one. */
async function send(name: string, bytes: Uint8Array): Promise<string> {
  const stream = await open(name)
  const parse = createFrameParser(2 * MiB)
  const answer = Promise.withResolvers<string>()
  stream.on('data', (chunk: Buffer) => {
    for (const frame of parse(chunk)) {
      if (frame.tag !== tags.refused) continue
      answer.resolve(refusalError(Uint8Array.from(readMessage(frame).body), 'victim').code)
    }
  })
  for (const event of ['end', 'close', 'error']) stream.on(event, () => answer.resolve('closed'))
  stream.write(bytes)
  const code = await answer.promise
  stream.destroy()
  return code
}

const request = (body: Uint8Array) => messageFrame(tags.request, 1, body)

/** The node still answers an honest question of the same peer. */
async function expectAlive(): Promise<void> {
  const asked = { topic: 'offers', maxBytes: 1000 }
  const page = await attacker.parts.rpc.ask(sync, victim.parts.core.peerId, asked)
  expect(Array.isArray(page.records)).toBe(true)
}

describe.each(protocols.map((protocol) => [protocol.name, protocol] as const))(
  '%s',
  (name, one) => {
    test.each<[string, () => Uint8Array]>([
      ['bytes that are no CBOR', () => request(randomBytes(64))],
      ['no bytes at all', () => request(new Uint8Array())],
      ['CBOR of another shape', () => request(encodeCbor({ kind: 'nothing', x: [1, 2, 3] }))],
      ['CBOR nested without end', () => request(new Uint8Array(200).fill(0x81))],
      ['a second encoding of a value', () => request(Uint8Array.of(0xa1, 0x61, 0x61, 0x18, 0x01))],
    ])('refuses %s', async (_, bytes) => {
      expect(await send(name, bytes())).toMatch(/^(BAD_MESSAGE|REFUSED_)/)
      await expectAlive()
    })

    test('refuses more than its limit, before it is all there', async () => {
      const claim = frameHead(tags.request, one.limits.requestBytes + 1000)
      expect(await send(name, Buffer.concat([claim, new Uint8Array(64)]))).toMatch(
        /BAD_MESSAGE|closed/,
      )
      expect(await send(name, frameHead(tags.request, 0xffffffff))).toMatch(/BAD_MESSAGE|closed/)
      await expectAlive()
    })

    test('ends a stream of frames that have no place there', async () => {
      expect(await send(name, messageFrame(199, 7, randomBytes(32)))).toMatch(/BAD_MESSAGE|closed/)
      await expectAlive()
    })
  },
)

describe.each(topics.map((topic) => [topic.name, topic] as const))('topic %s', (name, topic) => {
  const core = () => victim.parts.core
  const wire = () => topicName(core().net, topic)
  const judged = (): number =>
    core()
      .events.recent()
      .filter(({ event }) => event === 'offer-seen').length

  async function publish(bytes: Uint8Array): Promise<void> {
    const { gossip } = attacker.parts.core.libp2p.services
    await vi.waitFor(() => expect(gossip.getSubscribers(wire()).length).toBeGreaterThan(0), WAIT)
    // One's own validators do not run on what one publishes: the bytes go out as they are.
    await gossip.publish(wire(), bytes)
  }

  test("hostile bytes change nothing, and lower their sender's score", async () => {
    const before = judged()
    const score = (): number =>
      (
        core().libp2p.services.gossip as unknown as { score: { score(id: string): number } }
      ).score.score(attacker.parts.core.peerId)
    await publish(randomBytes(100))
    await publish(encodeCbor([1, 2, new Uint8Array(32), new Uint8Array(10), new Uint8Array(64)]))
    await publish(randomBytes(topic.maxBytes + 1))
    await vi.waitFor(() => expect(score(), name).toBeLessThan(0), WAIT)
    expect(judged()).toBe(before)
    await expectAlive()
  })
})

test("an offer of another network, or with a stolen signature, is nobody's offer", async () => {
  const { net, key, peerId } = attacker.parts.core
  const now = Date.now()
  const offer = offerOf({ peerId }, { seq: now, issuedAtMs: now, expiresAtMs: now + 60_000 })
  const elsewhere = createNetwork('local', 2, net.genesis)
  const foreign = sealOffer(elsewhere, key, offer).bytes
  const good = sealOffer(net, key, offer).bytes
  const forged = Uint8Array.from(good)
  forged[forged.length - 1]! ^= 1
  const { gossip } = attacker.parts.core.libp2p.services
  for (const bytes of [foreign, forged]) await gossip.publish(topicName(net, offersTopic), bytes)
  await expectAlive()
  expect(victim.parts.offers.standing().filter(({ payload }) => payload.peerId === peerId)).toEqual(
    [],
  )
})
