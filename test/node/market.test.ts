import { expect, test, vi } from 'vitest'
import type { RunningNode } from '../../src/node/node.ts'
import { createOfferDesk, DEFAULT_TERMS } from '../../src/node/offer-desk.ts'
import { announceCapability } from '../../src/node/services/announce-capability.ts'
import { encodeCbor } from '../../src/protocols/codec.ts'
import { gossipMessageId } from '../../src/protocols/gossip.ts'
import {
  noticesTopic,
  offersTopic,
  sealOffer,
  sealWithdrawal,
  withdrawalOf,
} from '../../src/protocols/offers.ts'
import { type Topic, topicName } from '../../src/protocols/topic.ts'
import { EVERYTHING, parseQuery } from '../../src/query/parse.ts'
import { localNode } from '../support/local-node.ts'
import { offerOf, testKey, testNet } from '../support/market.ts'

const WAIT = { timeout: 30_000, interval: 100 }
const cpu = { id: 'cpu-0', vendor: 'AMD', name: 'EPYC', vramMiB: 4096 }
const machine = { devices: [cpu], backend: 'cpu', engine: 'docker', host: offerOf(testKey(1)).host }

const deskOf = ({ parts }: RunningNode) =>
  createOfferDesk({
    ...parts,
    machine,
    price: () => ({ perHour: '0.1', asset: 'DEV' }),
    terms: () => DEFAULT_TERMS,
  })
const offersOn = ({ parts }: RunningNode) =>
  parts.offers.search(EVERYTHING).map(({ record }) => record.payload.peerId)
const say = ({ parts: { core } }: RunningNode, topic: Topic, bytes: Uint8Array) =>
  core.libp2p.services.gossip.publish(topicName(core.net, topic), bytes)
const now = () => ({ seq: Date.now(), issuedAtMs: Date.now(), expiresAtMs: Date.now() + 600_000 })

/** What gossipsub keeps of its peers; it has no name for it in its types. */
interface Scored {
  readonly score: { score(peerId: string): number }
}

/** Three nodes in a row, so that what the last one hears was forwarded: it knows the first only through the second. */
async function row() {
  const stack = new AsyncDisposableStack()
  const first = stack.use(await localNode())
  const middle = stack.use(await localNode({ bootstrap: first.addrs }))
  const last = stack.use(await localNode({ bootstrap: middle.addrs }))
  // Both ways: who is not yet known to listen is sent nothing, and nobody would notice.
  const hears = (one: RunningNode, other: RunningNode): void => {
    const { gossip } = one.parts.core.libp2p.services
    for (const topic of [offersTopic, noticesTopic]) {
      const name = topicName(one.parts.core.net, topic)
      expect(gossip.getSubscribers(name).map(String)).toContain(other.parts.core.peerId)
    }
  }
  await vi.waitFor(() => {
    for (const end of [first, last]) {
      hears(end, middle)
      hears(middle, end)
    }
  }, WAIT)
  return { first, middle, last, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('an offer is heard by all, withdrawn for all, and a new one stands again', async () => {
  await using market = await row()
  const desk = deskOf(market.first)
  const miner = market.first.parts.core.peerId
  await desk.setAvailable(['cpu-0'])
  await vi.waitFor(() => expect(offersOn(market.last)).toEqual([miner]), WAIT)
  const found = market.last.parts.offers.search(parseQuery('gpu_name=CPU dph<=0.1'))
  expect(found).toHaveLength(1)
  expect(market.last.parts.offers.search(parseQuery('dph<0.1'))).toEqual([])
  await desk.repeat()
  const [standing] = market.first.parts.offers.standing()
  expect(standing!.payload.seq).toBe(found[0]!.record.payload.seq)
  expect(market.first.parts.offers.stands(found[0]!.record)).toBe(true)
  // A repetition is another record of the same offer: what a person copied still names it.
  expect(standing!.id).not.toEqual(found[0]!.record.id)
  expect(market.first.parts.offers.find(String(found[0]!.facts['id']).slice(0, 12))).toBe(standing)
  expect(market.first.parts.offers.find(Buffer.from(standing!.id).toString('hex'))).toBe(standing)
  expect(market.first.parts.offers.find('00')).toBeUndefined()
  await desk.setAvailable([])
  await vi.waitFor(() => expect(offersOn(market.last)).toEqual([]), WAIT)
  await say(market.last, offersTopic, found[0]!.record.bytes) // an old copy changes nothing
  await desk.setAvailable(['cpu-0'])
  await vi.waitFor(() => expect(offersOn(market.last)).toEqual([miner]), WAIT)
  expect(market.last.parts.offers.search(EVERYTHING)[0]!.record.payload.seq).toBeGreaterThan(
    standing!.payload.seq,
  )
})

test('a late joiner gets offers and tombstones through sync', async () => {
  await using first = await localNode()
  const { net } = first.parts.core
  const [gone, there] = [testKey(1), testKey(2)]
  const ended = sealOffer(net, gone, offerOf(gone, now()))
  await first.parts.offers.admit(ended)
  await first.parts.offers.withdraw(
    sealWithdrawal(net, gone, withdrawalOf(ended.payload, Date.now())),
  )
  await first.parts.offers.admit(sealOffer(net, there, offerOf(there, now())))
  await using late = await localNode({ bootstrap: first.addrs })
  await vi.waitFor(() => expect(offersOn(late)).toEqual([there.peerId]), WAIT)
  await vi.waitFor(async () => {
    expect(await late.parts.offers.admit(ended)).toEqual({ ignore: 'withdrawn' })
  }, WAIT)
})

test('the book survives a restart', async () => {
  const key = testKey(3)
  await using node = await localNode()
  const { core } = node.parts
  await node.parts.offers.admit(sealOffer(core.net, key, offerOf(key, now())))
  const { createOffers } = await import('../../src/node/offers.ts')
  const again = await createOffers(core, { ownerOf: (peer) => peer })
  expect(again.standing().map(({ payload }) => payload.peerId)).toEqual([key.peerId])
})

test('malformed, oversized, forged, replayed and other-network messages stop nothing', async () => {
  await using market = await row()
  const { net } = market.first.parts.core
  const key = testKey(4)
  const good = () => sealOffer(net, key, offerOf(key, now())).bytes
  const forged = Uint8Array.from(good())
  forged[forged.length - 1]! ^= 1
  const expired = { seq: 1, issuedAtMs: Date.now() - 600_000, expiresAtMs: Date.now() - 1 }
  const hostile: Uint8Array[] = [
    new Uint8Array(0),
    Uint8Array.of(0xff),
    new Uint8Array(5000),
    new Uint8Array(60_000),
    encodeCbor({}),
    encodeCbor([1, 2, 3]),
    encodeCbor([9, 2, key.publicKey, new Uint8Array(1), new Uint8Array(64)]),
    forged,
    sealOffer(testNet(7), key, offerOf(key, now())).bytes,
    sealOffer(net, key, offerOf(key, expired)).bytes,
    sealOffer(net, key, offerOf(testKey(5), now())).bytes,
    sealOffer(net, key, offerOf(key, { ...now(), expiresAtMs: Date.now() + 3_600_000 })).bytes,
    Uint8Array.from({ length: 3000 }, () => 0x81), // arrays in arrays in arrays
  ]
  for (const bytes of hostile) {
    for (const topic of [offersTopic, noticesTopic]) await say(market.last, topic, bytes)
  }
  const honest = sealOffer(net, testKey(6), offerOf(testKey(6), now()))
  await market.middle.parts.offers.admit(honest)
  await say(market.middle, offersTopic, honest.bytes)
  await vi.waitFor(() => expect(offersOn(market.first)).toEqual([testKey(6).peerId]), WAIT)
  expect(offersOn(market.middle)).toEqual([testKey(6).peerId])
  const gossip = market.middle.parts.core.libp2p.services.gossip as unknown as Scored
  const sender = market.last.parts.core.peerId
  await vi.waitFor(() => expect(gossip.score.score(sender)).toBeLessThan(0), WAIT)
})

test('a copy on another topic does not censor the original', async () => {
  await using market = await row()
  const { net } = market.first.parts.core
  const key = testKey(8)
  const offer = sealOffer(net, key, offerOf(key, now()))
  await say(market.first, noticesTopic, offer.bytes) // first everywhere, on the wrong topic
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(offersOn(market.middle)).toEqual([])
  await say(market.first, offersTopic, offer.bytes)
  await vi.waitFor(() => expect(offersOn(market.middle)).toEqual([key.peerId]), WAIT)
})

test('message ids differ by topic, which is what keeps copies apart', () => {
  const data = Uint8Array.of(1, 2, 3)
  expect(gossipMessageId('a', data)).not.toEqual(gossipMessageId('b', data))
  expect(gossipMessageId('ab', Uint8Array.of(0x63))).not.toEqual(
    gossipMessageId('a', Buffer.from('bc')),
  )
})

test('a peer is found by its class from another node', async () => {
  await using market = await row()
  const { parts } = market.first
  const life = new AbortController()
  await announceCapability({ ...parts, machine }).start(life.signal)
  await vi.waitFor(async () => {
    const found = await market.last.parts.capabilities.findClass('cpu', 10)
    expect(found.map(({ payload }) => payload.peerId)).toEqual([parts.core.peerId])
  }, WAIT)
  const own = parts.capabilities.own()!
  expect(own.payload.classes).toEqual(['cpu'])
  expect(market.last.parts.capabilities.known(parts.core.peerId)?.payload.devices).toEqual([cpu])
  life.abort()
})

test('the control API answers queries, and errors name the place', async () => {
  const { createControlClient } = await import('../../src/node/control/client.ts')
  await using node = await localNode()
  const { core, offers } = node.parts
  for (const [i, dph] of ['3', '1', '2'].entries()) {
    const key = testKey(20 + i)
    await offers.admit(sealOffer(core.net, key, offerOf(key, { ...now(), dph })))
  }
  using client = createControlClient(node.control.socketPath)
  const prices = async (query: string) =>
    (await client.get<{ items: { dph: string }[] }>(`/v1/offers?${query}`)).items.map(
      ({ dph }) => dph,
    )
  expect(await prices('')).toEqual(['1', '2', '3'])
  expect(await prices('q=dph%3E%3D2&order=-dph')).toEqual(['3', '2'])
  expect(await prices('q=rentable%3Dfalse')).toEqual([])
  await expect(prices('q=dhp%3C1')).rejects.toMatchObject({
    code: 'BAD_CONFIG_QUERY',
    message: expect.stringContaining('did you mean dph'),
  })
})
