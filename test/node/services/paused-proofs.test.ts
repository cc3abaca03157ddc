import { expect, onTestFinished, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { runServices } from '../../../src/node/service.ts'
import { answerChallenges } from '../../../src/node/services/answer-challenges.ts'
import type { Capability } from '../../../src/protocols/capability.ts'
import { capabilityOf } from '../../support/market.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket } from '../../support/slot-market.ts'

test('a device that may not prove sits a slot out, ends one that runs at once, and proves in the next when it may', {
  timeout: 120_000,
}, async () => {
  const market = createSlotMarket({ round: 8 })
  const node = await market.node('validator')
  const { peerId, core, events, parts } = node
  const devices = [{ id: 'cpu-0', vendor: 'cpu', name: 'CPU', vramMiB: 0, proofN: 256 }]
  const payload = { ...capabilityOf({ peerId }), devices } as Capability
  market.shared.capabilities.push({ publicKey: core.key.publicKey, payload })
  let paused = true
  const running = await runServices([answerChallenges({ ...parts, mayProve: () => !paused })])
  onTestFinished(() => running[Symbol.asyncDispose]())
  const told = (event: string) =>
    events
      .filter((e) => e.event === event && e['gpu'] === 'cpu-0')
      .map(({ slot }) => slot as number)

  const first = market.nextSlot()
  const isUnderWay = () => Date.now() > timeOf(market.beacon, first) + 500
  await eventually(isUnderWay, 'a slot begins', 60_000)
  expect(told('slot-started')).toEqual([])
  paused = false
  await eventually(() => told('slot-started').length > 0, 'the next slot begins', 60_000)
  const [second] = told('slot-started')
  paused = true
  await eventually(() => told('gpu-given-back').length > 0, 'its memory is given back', 60_000)
  expect(Date.now()).toBeLessThan(timeOf(market.beacon, second! + 4)) // before its proof was due
  expect(told('slot-abandoned')).toEqual([second])
  paused = false
  await eventually(() => told('challenge-proved').length > 0, 'a slot is proven', 60_000)
  expect(told('challenge-proved')).not.toContain(second)
  expect(told('challenge-failed')).toEqual([])
})
