import { expect, onTestFinished, test } from 'vitest'
import { devBeacon, timeOf } from '../../../src/beacon.ts'
import { slotNetworks } from '../../../src/gpu/slot-network.ts'
import { silent } from '../../../src/log.ts'
import { createPulseBook } from '../../../src/node/pulse-book.ts'
import { pulseCodec, pulsesTopic } from '../../../src/protocols/pulses.ts'
import { topicName } from '../../../src/protocols/topic.ts'
import { createPulseVerifier } from '../../../src/pulse-verifier.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket } from '../../support/slot-market.ts'

const beacon = devBeacon(new Uint8Array(32).fill(5), 1000, 0)

function book(nowMs: () => number) {
  const verifier = createPulseVerifier(beacon, silent)
  onTestFinished(() => verifier[Symbol.asyncDispose]())
  let verified = 0
  const counting: typeof verifier = {
    ...verifier,
    verify: (round, signature) => {
      verified++
      return verifier.verify(round, signature)
    },
  }
  const options = { beacon, slots: slotNetworks.local, verifier: counting, nowMs, log: silent }
  return { pulses: createPulseBook(options), verified: () => verified }
}

test('a pulse is told once, verified once, and known afterwards', async () => {
  const { pulses, verified } = book(() => timeOf(beacon, 12))
  const { signature } = beacon.sign(12)
  const heard: number[] = []
  pulses.subscribe(({ pulse, atMs }) => {
    expect(atMs).toBe(timeOf(beacon, 12))
    heard.push(pulse.round)
  }, new AbortController().signal)
  const twice = await Promise.all([
    pulses.offer(12, signature, 'a'),
    pulses.offer(12, signature, 'b'),
  ])
  expect(twice).toEqual(['accept', { ignore: 'known' }])
  expect(pulses.get(12)).toEqual(beacon.sign(12))
  expect([heard, verified()]).toEqual([[12], 1])
})

test('only a bad signature is rejected, and its sender costs no second verification', async () => {
  const { pulses, verified } = book(() => timeOf(beacon, 24))
  const wrong = beacon.sign(13).signature
  expect(await pulses.offer(12, wrong, 'liar')).toEqual({ reject: 'bad signature' })
  expect(await pulses.offer(24, wrong, 'liar')).toMatchObject({ ignore: expect.any(String) })
  expect(verified()).toBe(1)
  expect(await pulses.offer(12, beacon.sign(12).signature, 'honest')).toBe('accept')
  expect(await pulses.offer(12, wrong, 'other')).toEqual({ reject: 'bad signature' })
})

test.each([
  ['of a round no slot needs', 15],
  ['whose time has not come', 120],
  ['long past', 12],
])('a pulse %s is ignored without verifying it', async (_, round) => {
  const nowMs = round === 12 ? timeOf(beacon, 1200) : timeOf(beacon, 24)
  const { pulses, verified } = book(() => nowMs)
  const signature = new Uint8Array(48)
  expect(await pulses.offer(round, signature, 'a')).toMatchObject({ ignore: expect.any(String) })
  expect(verified()).toBe(0)
})

test('the running epoch’s fill pulse is taken however old it is, and stays when others are forgotten', async () => {
  const net = {
    ...slotNetworks.local,
    stride: 1,
    epoch: { rounds: 7200, offset: 3, fillRounds: 1 },
  }
  const clock = { round: 1500 }
  const pulses = bookOf(net, () => clock.round)
  const signature = new Uint8Array(48)
  expect(await pulses.offer(4, signature)).toEqual({ ignore: 'long past' })
  expect(await pulses.offer(3, signature)).toBe('accept')
  for (clock.round = 1500; clock.round < 1500 + 1100; clock.round++) {
    await pulses.offer(clock.round, signature)
  }
  expect(pulses.get(3)).toBeDefined()
  expect(pulses.get(1500)).toBeUndefined() // the book is full
  expect(pulses.get(2599)).toBeDefined()
  const next = bookOf(net, () => 7500)
  expect(await next.offer(3, signature)).toEqual({ ignore: 'long past' })
  expect(await next.offer(7203, signature)).toBe('accept')
})

/** A book that believes every signature. */
function bookOf(net: typeof slotNetworks.local, roundNow: () => number) {
  const verifier = {
    verify: async (round: number, signature: Uint8Array) => ({
      round,
      signature,
      randomness: new Uint8Array(32),
    }),
    async [Symbol.asyncDispose]() {},
  }
  const nowMs = () => timeOf(beacon, roundNow())
  return createPulseBook({ beacon, slots: net, verifier, nowMs, log: silent })
}

test('a source that keeps old pulses is asked for the fill pulse that no peer has', {
  timeout: 60_000,
}, async () => {
  const market = createSlotMarket()
  const asked: number[] = []
  const { parts } = await market.node('validator', {
    pulseSource: {
      follow: async () => undefined,
      pulse: async (round) => {
        asked.push(round)
        return { ...market.beacon.sign(round) }
      },
    },
  })
  const fill = market.nextSlot() - 1
  await eventually(() => parts.pulses.get(fill) !== undefined, 'the fill pulse is fetched', 40_000)
  expect(asked).toContain(fill)
})

test('one node with a source feeds all; a latecomer fetches what it missed; a forged one stops none', {
  timeout: 60_000,
}, async () => {
  const market = createSlotMarket()
  const source = await market.node('validator')
  const other = await market.node('validator')
  const slot = market.nextSlot()
  await eventually(() => other.parts.pulses.get(slot) !== undefined, 'the pulse arrives')
  const late = await market.node('validator')
  await eventually(() => late.parts.pulses.get(slot) !== undefined, 'the pulse is fetched')

  const { net, libp2p } = other.core
  const forged = pulseCodec.encode({
    round: slot + 4,
    signature: new Uint8Array(48).fill(0xc0),
  })
  const name = topicName(net, pulsesTopic)
  await libp2p.services.gossip.publish(name, forged)
  await libp2p.services.gossip.publish(name, Buffer.from('junk'))
  await eventually(
    () => source.parts.pulses.get(slot + 4) !== undefined,
    'the true pulse still arrives',
  )
  const { signature } = source.parts.pulses.get(slot + 4)!
  expect(Buffer.from(signature)).toEqual(Buffer.from(market.beacon.sign(slot + 4).signature))
})
