import { expect, test } from 'vitest'
import { MAX_STEPS } from '../../src/gpu/gemm-proof.ts'
import { memoryOf, paceIn, proofSharePpm, sizesIn } from '../../src/gpu/leased-proofs.ts'
import { gbPerSecondOf, topsOf } from '../../src/gpu/rates.ts'
import { isProvable } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { GiB, MiB } from '../../src/units.ts'

const { finney, local } = slotNetworks

test.each<[string, { n: number; bytes: number }, { n: number; bytes: number }]>([
  ['a card of 24 GiB', { n: 16_384, bytes: 22 * GiB }, { n: 16_384, bytes: GiB }],
  ['a card of 80 GiB', { n: 16_384, bytes: 72 * GiB }, { n: 16_384, bytes: 2.25 * GiB }],
  ['a card of 180 GiB', { n: 32_768, bytes: 172 * GiB }, { n: 16_384, bytes: 4 * GiB }],
  ['a small card', { n: 4096, bytes: 3 * GiB }, { n: 4096, bytes: GiB }],
  ['one with less than that', { n: 2048, bytes: 512 * MiB }, { n: 2048, bytes: 512 * MiB }],
])('beside a tenant %s proves with little', (_, idle, leased) => {
  expect(sizesIn('leased', finney, idle)).toEqual(leased)
  expect(isProvable(finney, leased)).toBe(true)
  expect(sizesIn('idle', finney, idle)).toEqual(idle)
  expect(sizesIn('exclusive', finney, idle)).toBeUndefined()
})

test('on a local network too', () => {
  expect(sizesIn('leased', local, local.cpuSizes)).toEqual({ n: 256, bytes: MiB })
  expect(isProvable(local, { n: 256, bytes: MiB })).toBe(true)
})

// What a class has, GB/s and GiB: its passes beside a tenant must not run out before its window does.
test.each([
  ['RTX 4090', 1008, 22, 475],
  ['A100', 2000, 72, 375],
  ['H100 SXM', 3350, 72, 850],
  ['H200', 4800, 132, 850],
  ['B200', 8000, 172, 1200],
])('the counts of a leased %s show all it does', (_, gbps, gib, tops) => {
  const sizes = sizesIn('leased', finney, { n: 16_384, bytes: gib * GiB })!
  const { windowMs } = paceIn(finney, 'leased')
  const most = gbPerSecondOf(sizes.bytes, finney.residency.maxPasses, windowMs.residency)
  expect(most).toBeGreaterThan(gbps)
  expect(topsOf(sizes.n, MAX_STEPS, windowMs.gemm)).toBeGreaterThan(tops)
})

test('what it holds is little beside the card', () => {
  expect(memoryOf({ n: 16_384, bytes: 2.25 * GiB }) / GiB).toBeCloseTo(3.02, 2)
  expect(memoryOf({ n: 8192, bytes: GiB }) / GiB).toBeCloseTo(1.195, 2)
})

test('proofs take less than a quarter of a per cent of a GPU’s time on public networks', () => {
  expect(proofSharePpm(finney)).toBeLessThanOrEqual(2500)
  expect(proofSharePpm(finney)).toBe(1731)
  // A window of 1 s, another and its second run at three quarters, every 12 s; and a few passes once more.
  expect(proofSharePpm(local)).toBe(188_542)
})

test('windows and ticks beside a tenant fit what a slot allows', () => {
  for (const net of [finney, local]) {
    const { windowMs, tickMs } = paceIn(net, 'leased')
    for (const work of net.phases) {
      expect(windowMs[work]).toBeLessThanOrEqual(net.windowMs[work])
      expect(windowMs[work] / tickMs[work]).toBeLessThan(net[work].maxTicks)
    }
    expect(paceIn(net, 'idle').windowMs).toBe(net.windowMs)
  }
})
