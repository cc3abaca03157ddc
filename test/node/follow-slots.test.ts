import { expect, test } from 'vitest'
import { devBeacon, type Pulse, timeOf } from '../../src/beacon.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { announcedGpus } from '../../src/node/announced-gpus.ts'
import { followSlots } from '../../src/node/follow-slots.ts'
import type { HeardPulse, PulseBook } from '../../src/node/pulse-book.ts'
import type { Capability } from '../../src/protocols/capability.ts'
import { MiB } from '../../src/units.ts'
import { capabilityOf, testKey, testNet } from '../support/market.ts'

const beacon = devBeacon(new Uint8Array(32).fill(3), 1000, 0)
const local = slotNetworks.local

/** A book whose pulses come when the test says so. */
function world(sinceRound: number) {
  const known = new Map<number, Pulse>()
  const listeners: ((heard: HeardPulse) => void)[] = []
  const clock = { nowMs: timeOf(beacon, sinceRound) }
  const pulses: PulseBook = {
    beacon,
    newest: () => undefined,
    clockFault: () => undefined,
    get: (round) => known.get(round),
    offer: async () => 'accept',
    check: async () => 'accept',
    subscribe: (listener) => void listeners.push(listener),
  }
  const told: string[] = []
  const listener = {
    onSlot: (slot: number) => void told.push(`slot ${slot}`),
    onPulse: ({ pulse }: HeardPulse) => void told.push(`pulse ${pulse.round}`),
  }
  followSlots(
    { pulses, slots: local, nowMs: () => clock.nowMs },
    listener,
    new AbortController().signal,
  )
  return {
    told,
    /** A pulse arrives in a round (its own, unless late). */
    hear(round: number, inRound = round): void {
      clock.nowMs = Math.max(clock.nowMs, timeOf(beacon, inRound))
      const pulse = { round, signature: new Uint8Array(48), randomness: new Uint8Array(32) }
      known.set(round, pulse)
      for (const listen of listeners) listen({ pulse, atMs: clock.nowMs })
    },
  }
}

test('a slot is told once, before its pulses', () => {
  const { told, hear } = world(11)
  for (const round of [12, 13, 16]) hear(round)
  expect(told).toEqual(['slot 12', 'pulse 12', 'pulse 13', 'pulse 16'])
})

test('the fill pulse of a slot is repeated for it, however it came', () => {
  const { told, hear } = world(11)
  for (const round of [11, 12]) hear(round)
  expect(told).toEqual(['pulse 11', 'slot 12', 'pulse 11', 'pulse 12'])
})

test('pulses that came before the slot was known are repeated for it, in order', () => {
  const { told, hear } = world(11)
  hear(13)
  hear(12, 13)
  expect(told).toEqual(['pulse 13', 'slot 12', 'pulse 12', 'pulse 13'])
})

test.each([
  ['one that began before this node followed', 14, 14],
  ['one whose work has closed', 11, 15],
])('%s is no slot for it', (_, since, heardIn) => {
  const { told, hear } = world(since)
  hear(12, heardIn)
  expect(told).toEqual(['pulse 12'])
})

test('devices prove under the hotkey their record binds, with the sizes it names or the network’s', () => {
  const [key, hotkey] = [testKey(1), testKey(2).publicKey]
  const payload = capabilityOf(key)
  const net = testNet()
  const own = { genesis: net.genesis, netuid: 1, peerId: key.peerId, gpuId: 'cpu-0' }
  const of = (record: Capability, slots = local) =>
    announcedGpus(net, slots, { publicKey: key.publicKey, payload: record })
  expect(of(payload)).toEqual([{ ...own, hotkey: key.publicKey, ...local.cpuSizes }])
  const binding = { hotkey } as NonNullable<Capability['binding']>
  const devices = [
    { id: 'cpu-0', vendor: 'x', name: 'x', vramMiB: 0, proofN: 1024, proofBytes: 2 * MiB },
    { id: 'pci-1', vendor: 'x', name: 'x', vramMiB: 8 },
  ]
  const bytes = 2 * MiB
  expect(of({ ...payload, binding, devices })).toEqual([{ ...own, hotkey, n: 1024, bytes }])
  expect(of(payload, slotNetworks.finney)).toEqual([])
})

test('a GPU names both sizes, and sizes the network does not allow prove nothing', () => {
  const key = testKey(1)
  const card = { id: 'pci-1', vendor: 'x', name: 'x', vramMiB: 8 }
  const sizes = (over: { proofN?: number; proofBytes?: number }) => {
    const payload: Capability = { ...capabilityOf(key), devices: [{ ...card, ...over }] }
    const found = announcedGpus(testNet(), slotNetworks.finney, {
      publicKey: key.publicKey,
      payload,
    })
    return found.map(({ n, bytes }) => [n, bytes])
  }
  const [proofN, proofBytes] = [16_384, 72 * 1024 * MiB]
  expect(sizes({ proofN, proofBytes })).toEqual([[proofN, proofBytes]])
  for (const bad of [
    { proofN },
    { proofBytes },
    { proofN: 16_383, proofBytes },
    { proofN: 1024, proofBytes },
    { proofN, proofBytes: 0 },
    { proofN, proofBytes: proofBytes + 4096 },
    { proofN, proofBytes: 2 ** 40 + MiB },
  ]) {
    expect(sizes(bad)).toEqual([])
  }
})

test('a device has the mode and the sizes that count for a slot, and none in a mode of a later version', () => {
  const key = testKey(1)
  const card = {
    ...{ id: 'pci-1', vendor: 'x', name: 'x', vramMiB: 81_559 },
    ...{ proofN: 16_384, proofBytes: 72 * 1024 * MiB },
  }
  const at = (slotMs: number | undefined, over: Partial<Capability['devices'][number]>) => {
    const payload: Capability = { ...capabilityOf(key), devices: [{ ...card, ...over }] }
    const record = { publicKey: key.publicKey, payload }
    const found = announcedGpus(testNet(), slotNetworks.finney, record, slotMs)
    return found.map(({ mode, n, bytes }) => [mode, n, bytes / 1024 / MiB])
  }
  const leased = { mode: 'leased', modeFromMs: 1000, modeBefore: 'idle' }
  expect(at(1000, {})).toEqual([[undefined, 16_384, 72]])
  expect(at(999, leased)).toEqual([[undefined, 16_384, 72]])
  expect(at(1000, leased)).toEqual([['leased', 16_384, 2.25]])
  expect(at(undefined, leased)).toEqual([['leased', 16_384, 2.25]])
  const named = { ...leased, leasedN: 8192, leasedBytes: 1024 * MiB }
  expect(at(1000, named)).toEqual([['leased', 8192, 1]])
  expect(at(1000, { ...leased, leasedN: 1000 })).toEqual([])
  expect(at(1000, { ...leased, mode: 'exclusive' })).toEqual([['exclusive', 16_384, 72]])
  expect(at(1000, { ...leased, mode: 'attested' })).toEqual([])
  expect(at(999, { ...leased, modeBefore: 'attested' })).toEqual([])
})
