import { expect, test } from 'vitest'
import { devBeacon, type Pulse, timeOf } from '../../src/beacon.ts'
import { sha256 } from '../../src/gpu/hash.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { hits, needsPulse, startsSlot, windowOf } from '../../src/gpu/slot-schedule.ts'

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
  const net = { ...local, stride: 1, denominator: 6, spacing: 5 }
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

test('on real networks about one pulse in 900 hits', () => {
  const found = rounds(90_000).filter((i) => hits(finney, pulse(i))).length
  expect(found).toBeGreaterThan(65)
  expect(found).toBeLessThan(140)
})

test('locally three rounds of twelve matter; elsewhere all', () => {
  expect(rounds(24).filter((round) => needsPulse(local, round))).toEqual([1, 4, 12, 13, 16, 24])
  expect(rounds(24).filter((round) => needsPulse(finney, round))).toHaveLength(24)
})

test('a window opens at its pulse’s scheduled time', () => {
  const at = timeOf(beacon, 13)
  expect(windowOf(local, beacon, 12, 'gemm')).toEqual({ fromMs: at, untilMs: at + 1000 })
})

test.each(Object.entries(slotNetworks))('%s: offsets are in order and ticks fit', (_, net) => {
  const order = [net.starts.gemm, net.close, net.open, net.commit, net.reveal, net.end]
  expect(order).toEqual(order.toSorted((a, b) => a - b))
  expect(net.windowMs.gemm / net.tickMs).toBeLessThan(net.gemm.maxTicks)
  expect(net.end).toBeLessThan(net.spacing)
  expect(net.gemm.rowSamples).toBeLessThanOrEqual(net.gemm.minN)
  expect(net.cpuN).toBeGreaterThanOrEqual(net.gemm.minN)
})
