import { expect, onTestFinished, test } from 'vitest'
import { runServices } from '../../../src/node/service.ts'
import { answerChallenges } from '../../../src/node/services/answer-challenges.ts'
import type { Capability } from '../../../src/protocols/capability.ts'
import { capabilityOf } from '../../support/market.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket } from '../../support/slot-market.ts'

test('a device that may not prove sits a slot out, and proves in the next when it may', {
  timeout: 120_000,
}, async () => {
  const market = createSlotMarket()
  const node = await market.node('validator')
  const { peerId, core, events, parts } = node
  const devices = [{ id: 'cpu-0', vendor: 'cpu', name: 'CPU', vramMiB: 0, proofN: 256 }]
  const payload = { ...capabilityOf({ peerId }), devices } as Capability
  market.shared.capabilities.push({ publicKey: core.key.publicKey, payload })
  const asked: string[] = []
  let paused = true
  const mayProve = (gpu: string): boolean => {
    asked.push(gpu)
    return !paused
  }
  const running = await runServices([answerChallenges({ ...parts, mayProve })])
  onTestFinished(() => running[Symbol.asyncDispose]())
  const proves = () => events.some((event) => event.event === 'slot-started' && 'n' in event)

  await eventually(() => asked.length > 0, 'a slot begins', 60_000)
  const [begun] = asked
  expect(begun).toBe('cpu-0')
  await eventually(() => asked.length > 1, 'the next slot begins', 60_000)
  expect(proves()).toBe(false)
  paused = false
  await eventually(proves, 'a slot is proven', 60_000)
})
