import { expect, test } from 'vitest'
import { devBeacon, timeOf } from '../../src/beacon.ts'
import type { Announcement } from '../../src/gpu/slot.ts'
import { type SlotNetwork, slotNetworks } from '../../src/gpu/slot-network.ts'
import { createOwnFills } from '../../src/node/own-fills.ts'

const GiB = 2 ** 30

/** One device of a network, at a time of the test's. */
function world(slots: SlotNetwork) {
  const beacon = devBeacon(new Uint8Array(32).fill(3), slots.roundMs, 0)
  const clock = { round: 1, restMs: 0 }
  const wanted = { hotkey: new Uint8Array(32).fill(2) }
  const named = (mode: 'idle' | 'leased'): Announcement => ({
    genesis: new Uint8Array(32),
    netuid: 1,
    hotkey: wanted.hotkey,
    peerId: 'miner',
    gpuId: 'a',
    n: 8192,
    bytes: mode === 'idle' ? 8 * GiB : GiB,
  })
  const fills = createOwnFills({
    beacon,
    slots,
    nowMs: () => timeOf(beacon, clock.round) + clock.restMs,
    announcementOf: (_, mode) => named(mode),
  })
  const at = (round: number, restMs = 0) => Object.assign(clock, { round, restMs })
  return { beacon, fills, named, wanted, at }
}

test('a fill is held for its sizes, its hotkey and its epoch alone', () => {
  const { fills, named, wanted, at } = world(slotNetworks.finney)
  at(7300)
  expect(fills.holds('a', 'idle')).toBe(false)
  const changes: string[] = []
  fills.onChange(() => changes.push('changed'), new AbortController().signal)
  fills.filled(named('idle'), 7200, 100)
  expect([fills.holds('a', 'idle'), fills.holds('a', 'leased')]).toEqual([true, false])
  wanted.hotkey = new Uint8Array(32).fill(9)
  expect(fills.holds('a', 'idle')).toBe(false)
  wanted.hotkey = new Uint8Array(32).fill(2)
  at(14_400)
  expect(fills.holds('a', 'idle')).toBe(false)
  at(7300)
  fills.emptied('a')
  fills.emptied('a')
  expect(fills.holds('a', 'idle')).toBe(false)
  expect(changes).toEqual(['changed', 'changed'])
})

test('who is not filled a notice before the first slot of an epoch leaves it', () => {
  const { fills, named, at } = world(slotNetworks.finney)
  at(14_400, 149_999)
  expect(fills.keeps('a', 'idle')).toBe(true)
  at(14_400, 150_000)
  expect(fills.keeps('a', 'idle')).toBe(false)
  fills.filled(named('idle'), 14_400, 150_000)
  expect(fills.keeps('a', 'idle')).toBe(true)
})

test('where there is no time for a notice the last fill decides: one that took too long is not waited for', () => {
  const { fills, named, at } = world(slotNetworks.local)
  at(23, 900)
  expect(fills.keeps('a', 'idle')).toBe(true)
  at(12, 500)
  fills.filled(named('idle'), 11, 1001)
  expect(fills.keeps('a', 'idle')).toBe(true)
  at(23)
  expect(fills.keeps('a', 'idle')).toBe(false)
  expect(fills.keeps('a', 'leased')).toBe(true) // of those sizes nothing is known
  at(24, 500)
  fills.filled(named('idle'), 23, 1000)
  at(35, 900)
  expect(fills.keeps('a', 'idle')).toBe(true)
})

test('in the middle of an epoch what is lost is missed at once; before it ends nothing is due any more', () => {
  const { fills, named, at } = world(slotNetworks.finney)
  at(8000)
  fills.filled(named('idle'), 7200, 100)
  expect(fills.keeps('a', 'idle')).toBe(true)
  fills.emptied('a')
  expect(fills.keeps('a', 'idle')).toBe(false)
  at(14_390)
  expect(fills.keeps('a', 'idle')).toBe(true)
})

test('a change needs a fill of its own, unless its slots have another one anyway', () => {
  const real = world(slotNetworks.finney)
  real.at(8000)
  expect(real.fills.isFillDue(timeOf(real.beacon, 8010))).toBe(true)
  expect(real.fills.isFillDue(timeOf(real.beacon, 14_390))).toBe(false)
  const local = world(slotNetworks.local)
  for (let round = 12; round < 24; round++) {
    local.at(round, 900)
    expect(local.fills.isFillDue(timeOf(local.beacon, round) + 900 + 5000)).toBe(false)
  }
})

test('where no slots run nothing needs a fill', () => {
  const slots = slotNetworks.finney
  const named = () => undefined
  const fills = createOwnFills({ beacon: undefined, slots, nowMs: () => 0, announcementOf: named })
  expect(fills.proves('a')).toBe(false)
})
