import { hash } from 'node:crypto'
import { TopicValidatorResult } from '@chainsafe/libp2p-gossipsub'
import { expect, test } from 'vitest'
import { gossipMessageId, gossipScores } from '../../src/protocols/gossip.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { noticesTopic, offersTopic } from '../../src/protocols/offers.ts'
import { topicName } from '../../src/protocols/topic.ts'
import { testNet } from '../support/market.ts'
import { createTestNode, eventually } from '../support/nodes.ts'

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
