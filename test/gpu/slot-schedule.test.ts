import { expect, test } from 'vitest'
import { devBeacon, type Pulse, timeOf } from '../../src/beacon.ts'
import { sha256 } from '../../src/bytes.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { isProvable } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import {
  epochOf,
  fillRoundOf,
  hits,
  needsPulse,
  nextOpenStart,
  nextStart,
  startsSlot,
  windowOf,
} from '../../src/gpu/slot-schedule.ts'

const beacon = devBeacon(new Uint8Array(32).fill(3), 1000, 0)
const { local, finney } = slotNetworks
/** A pulse's randomness is all that matters here. */
const pulse = (round: number): Pulse => ({
  round,
  signature: new Uint8Array(48),
  randomness: sha256(Buffer.from(`pulse ${round}`)),
})
const rounds = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

test('local slots start at every twelfth round', () => {
  const starts = rounds(60).filter((round) => startsSlot(local, round, pulse))
  expect(starts).toEqual([12, 24, 36, 48, 60])
})

test('slots keep their distance, a newcomer agrees, and a missing pulse is asked for, not guessed', () => {
  const epoch = { rounds: 200, offset: 0, fillRounds: 0 }
  const net = {
    ...local,
    stride: 1,
    denominator: 6,
    spacing: 5,
    end: 0,
    epoch: { ...epoch, offset: 1 },
  }
  const starts = rounds(200).filter((round) => startsSlot(net, round, pulse))
  expect(starts.length).toBeGreaterThan(5)
  for (const [i, start] of starts.entries()) {
    if (i > 0) expect(start - starts[i - 1]!).toBeGreaterThanOrEqual(5)
    const recent = (round: number) => (round > start - 5 ? pulse(round) : undefined)
    expect(startsSlot(net, start, recent)).toBe(true)
    const gap = (round: number) => (round === start - 2 ? undefined : pulse(round))
    expect(startsSlot(net, start, gap)).toBeNull()
  }
  expect(startsSlot(net, 7, () => undefined)).toBeNull()
})

test('on real networks about one pulse in 900 hits, but for the time to fill', () => {
  const found = rounds(90_000).filter((i) => hits(finney, pulse(i))).length
  expect(found).toBeGreaterThan(60)
  expect(found).toBeLessThan(140)
})

test('locally five rounds of twelve matter; elsewhere all', () => {
  expect(rounds(24).filter((round) => needsPulse(local, round))).toEqual([
    1, 2, 4, 11, 12, 13, 14, 16, 23, 24,
  ])
  expect(rounds(24).filter((round) => needsPulse(finney, round))).toHaveLength(24)
})

test('a window opens at its pulse’s scheduled time', () => {
  const at = timeOf(beacon, 13)
  expect(windowOf(local, beacon, 12, 'gemm')).toEqual({ fromMs: at, untilMs: at + 1000 })
})

test('every local slot has a fill of its own, seeded one round before it', () => {
  for (const slot of [12, 24, 1200]) expect(fillRoundOf(local, slot)).toBe(slot - 1)
  expect(fillRoundOf(local, 11)).toBeNull()
  expect(fillRoundOf(local, 13)).toBeNull()
  expect(epochOf(local, 22)).toBe(11)
  expect(epochOf(local, 23)).toBe(23)
})

test('on real networks a fill stays six hours; no slot starts while it is made or would outlast it', () => {
  const { rounds: length, fillRounds } = finney.epoch
  const fill = 3 * length
  expect(length * 3).toBe(6 * 3600)
  const excluded = [fill, fill + fillRounds - 1, fill + length - finney.end + 1, fill + length]
  for (const round of excluded) expect(fillRoundOf(finney, round)).toBeNull()
  for (const round of [fill + fillRounds, fill + length - finney.end]) {
    expect(fillRoundOf(finney, round)).toBe(fill)
    expect(epochOf(finney, round)).toBe(fill)
  }
  expect(fillRoundOf(finney, length - 100)).toBeNull() // the beacon sent no pulse for that epoch
})

test('a round that is excluded neither starts a slot nor keeps others from starting', () => {
  const net = { ...finney, denominator: 1, spacing: 60 }
  const first = 7200 + net.epoch.fillRounds
  expect(startsSlot(net, first - 1, pulse)).toBe(false)
  expect(startsSlot(net, first, pulse)).toBe(true)
  expect(startsSlot(net, first, (round) => (round < first ? undefined : pulse(round)))).toBe(true)
  expect(startsSlot(net, first - 1, () => undefined)).toBe(false)
})

test.each(Object.entries(slotNetworks))('%s: offsets are in order and ticks fit', (_, net) => {
  const { starts, windowMs, tickMs, epoch } = net
  const order = [
    starts.residency,
    starts.gemm,
    net.close,
    net.open,
    net.commit,
    net.reveal,
    net.end,
  ]
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  for (const work of net.phases) {
    expect(windowMs[work] / tickMs).toBeLessThan(net[work].maxTicks)
    const periodMs = net === local ? 1000 : 3000
    expect(starts[work] * periodMs + windowMs[work]).toBeLessThanOrEqual(net.close * periodMs)
  }
  expect(windowMs.residency).toBe(starts.gemm * (net === local ? 1000 : 3000)) // one after the other
  expect(net.end).toBeLessThan(net.spacing)
  expect(epoch.fillRounds + net.end).toBeLessThanOrEqual(epoch.rounds)
  expect(isProvable(net, net.cpuSizes)).toBe(true)
  const { maxBytes } = net.residency
  for (const bytes of [0, -maxBytes, 4096, maxBytes + FILL_UNIT_BYTES, 1.5, Number.NaN]) {
    expect(isProvable(net, { ...net.cpuSizes, bytes })).toBe(false)
  }
  for (const n of [0, net.gemm.minN / 2, net.gemm.minN + 1, 2 * net.gemm.maxN]) {
    expect(isProvable(net, { ...net.cpuSizes, n })).toBe(false)
  }
})

test('the next round at which a slot may start: after the time to fill, before the fill’s end', () => {
  expect([12, 13, 23, 24].map((round) => nextStart(local, round))).toEqual([12, 24, 24, 24])
  const { finney } = slotNetworks
  const { rounds, fillRounds } = finney.epoch
  expect(nextStart(finney, rounds)).toBe(rounds + fillRounds)
  expect(nextStart(finney, rounds + 100)).toBe(rounds + 100)
  const last = 2 * rounds - finney.end
  expect([last, last + 1].map((round) => nextStart(finney, round))).toEqual([
    last,
    2 * rounds + fillRounds,
  ])
})

test('the windows of a leased device end earlier where its network says so', () => {
  const { finney } = slotNetworks
  const { fromMs, untilMs } = windowOf(finney, beacon, 7200, 'residency', 'leased')
  expect(untilMs - fromMs).toBe(500)
  expect(windowOf(finney, beacon, 7200, 'residency').untilMs - fromMs).toBe(6000)
})

test('a slot whose pulse is still on its way is the next one: what it asks for is not given up for the one after', () => {
  const known = (last: number) => (round: number) => (round <= last ? pulse(round) : undefined)
  expect(nextOpenStart(local, 23, known(23))).toBe(24)
  expect(nextOpenStart(local, 24, known(23))).toBe(24)
  expect(nextOpenStart(local, 24, known(24))).toBe(36) // it began, and its own run keeps what it needs
  expect(nextOpenStart(local, 26, known(23))).toBe(24)
  expect(nextOpenStart(local, 27, known(23))).toBe(36) // its pulse comes too late for any work
})
