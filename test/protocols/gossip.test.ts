import { hash } from 'node:crypto'
import { TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import {
  createPeerScoreParams,
  createTopicScoreParams,
  type PeerScoreParams,
} from '@chainsafe/libp2p-gossipsub/score'
import { expect, onTestFinished, test } from 'vitest'
import { gossipMessageId, gossipScores, sendsTo } from '../../src/protocols/gossip.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { noticesTopic, offersTopic } from '../../src/protocols/offers.ts'
import { topicName } from '../../src/protocols/topic.ts'
import { testNet } from '../support/market.ts'
import { createTestNode, eventually, type TestNode } from '../support/nodes.ts'

const topics = ['original', 'elsewhere'] as const

/** Whether a message reaches its topic when a copy of it was refused on another topic before. */
async function heardAfterCopy(messageId: typeof gossipMessageId): Promise<boolean> {
  const nodes = await Promise.all([createTestNode({ messageId }), createTestNode({ messageId })])
  const [sender, receiver] = nodes
  try {
    const heard: string[] = []
    const refused: string[] = []
    for (const topic of topics) {
      sender.services.gossip.subscribe(topic)
      receiver.services.gossip.subscribe(topic)
      receiver.services.gossip.topicValidators.set(topic, () => {
        if (topic === 'original') return TopicValidatorResult.Accept
        refused.push(topic)
        return TopicValidatorResult.Ignore
      })
    }
    receiver.services.gossip.addEventListener('message', ({ detail }) => heard.push(detail.topic))
    await sender.dial(receiver.getMultiaddrs())
    const listens = (topic: string): boolean =>
      sender.services.gossip.getSubscribers(topic).length > 0
    await eventually(() => topics.every(listens), 'subscriptions')
    // It may hear of them before it has a stream of its own, without which it publishes to nobody.
    await eventually(() => sendsTo(sender.services.gossip, receiver.peerId), 'a stream')
    const publish = async (topic: string, data: Uint8Array): Promise<void> => {
      await sender.services.gossip.publish(topic, data)
    }
    await publish('elsewhere', Buffer.from('offer'))
    await eventually(() => refused.length > 0, 'the copy')
    await publish('original', Buffer.from('offer'))
    await publish('original', Buffer.from('last')) // streams keep order: when this arrived, the other has or never will
    await eventually(() => heard.length > 0, 'the last message')
    return heard.length === 2
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
  }
}

test('a copy refused on another topic does not censor the original', async () => {
  expect(await heardAfterCopy(gossipMessageId)).toBe(true)
})

test('with ids of the data alone it does, so the test above tests it', async () => {
  const ofDataAlone = (_: string, data: Uint8Array) =>
    new Uint8Array(hash('sha256', data, 'buffer'))
  expect(await heardAfterCopy(ofDataAlone)).toBe(false)
})

const offers = topicName(testNet(), offersTopic)

/** How a node scores `count` well-behaved, silent peers from its own machine. */
async function scoresOf(count: number, scoreParams: PeerScoreParams): Promise<() => number[]> {
  // A DHT that looks for itself lets each of them meet all others: a dozen would make 66 connections.
  const dht = { initialQuerySelfInterval: 3_600_000 }
  const scorer = await createTestNode({ scoreParams, dht })
  const peers = await Promise.all(Array.from({ length: count }, () => createTestNode({ dht })))
  onTestFinished(async () => {
    await Promise.all([scorer, ...peers].map((node) => node.stop()))
  })
  for (const { services } of [scorer, ...peers]) services.gossip.subscribe(offers)
  // One after the other: a busy machine that makes all connections at once makes none within the library's 10 s.
  for (const peer of peers) await peer.dial(scorer.getMultiaddrs())
  const { gossip } = scorer.services
  const inMesh = (): number => (gossip as unknown as Inner).getMeshPeers(offers).length
  await eventually(() => gossip.getSubscribers(offers).length === count, 'subscriptions')
  await eventually(() => inMesh() > 0, 'a mesh')
  return () => peers.map((peer) => scoreIn(scorer, peer))
}
const scoreIn = (scorer: TestNode, peer: TestNode): number =>
  (scorer.services.gossip as unknown as Inner).score.score(peer.peerId.toString())
/** What gossipsub keeps of its peers; it has no name for it in its types. */
interface Inner {
  getMeshPeers(topic: string): string[]
  readonly score: { score(peerId: string): number }
}

test('a dozen silent neighbours are punished by the library for their address, and not by this program', async () => {
  const [library, ours] = await Promise.all([
    scoresOf(12, createPeerScoreParams()),
    scoresOf(12, gossipScores(testNet(), [offersTopic])),
  ])
  await eventually(() => library().every((score) => score < 0), 'punishment')
  expect(Math.min(...ours())).toBeGreaterThanOrEqual(0)
})

test('a silent peer in the mesh is no fault; with the library’s thresholds of deliveries it is', async () => {
  const scores = gossipScores(testNet(), [offersTopic])
  const { meshMessageDeliveriesWeight, meshFailurePenaltyWeight } = createTopicScoreParams()
  const weights = { meshMessageDeliveriesWeight, meshFailurePenaltyWeight }
  const strict = { ...scores, topics: { [offers]: { ...scores.topics[offers]!, ...weights } } }
  const [punished, ours] = await Promise.all([scoresOf(1, strict), scoresOf(1, scores)])
  await eventually(() => punished()[0]! < 0, 'punishment')
  expect(ours()[0]).toBeGreaterThanOrEqual(0)
})

test('peers that share an address are not punished locally, and gently elsewhere', () => {
  expect(gossipScores(testNet(), []).IPColocationFactorWeight).toBe(0)
  const finney = createNetwork('finney', 51, new Uint8Array(32))
  expect(gossipScores(finney, []).IPColocationFactorWeight).toBeLessThan(0)
  expect(gossipScores(finney, []).IPColocationFactorWhitelist.has('127.0.0.1')).toBe(true)
})

test('a quiet topic is no fault, an invalid message is', () => {
  const { topics: scored } = gossipScores(testNet(), [offersTopic, noticesTopic])
  for (const topic of [offersTopic, noticesTopic]) {
    const params = scored[topicName(testNet(), topic)]!
    expect(params.meshMessageDeliveriesWeight).toBe(0)
    expect(params.meshFailurePenaltyWeight).toBe(0)
    expect(params.invalidMessageDeliveriesWeight).toBeLessThan(0)
  }
})
