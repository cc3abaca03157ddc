import { expect, test } from 'vitest'
import { sha256 } from '../../src/bytes.ts'
import { drawVerifiers, VERIFIER_SEATS, volunteers } from '../../src/gpu/draw-verifiers.ts'

const pulse = (round: number) => ({ round, randomness: sha256(Buffer.from(`pulse ${round}`)) })
const gpu = { peerId: 'miner', gpuId: 'pci-0' }
const voters = Array.from({ length: 20 }, (_, i) => ({ id: `v${i}`, stake: BigInt(100 + i) }))
const draws = Array.from({ length: 400 }, (_, i) => drawVerifiers(pulse(i), gpu, voters))

test('five different ones, the same for everyone, in whatever order stakes were read', () => {
  for (const drawn of draws) expect(drawn.size).toBe(VERIFIER_SEATS)
  expect(drawVerifiers(pulse(7), gpu, voters.toReversed())).toEqual(draws[7])
  const other = drawVerifiers(pulse(7), { ...gpu, gpuId: 'pci-1' }, voters)
  expect(other).not.toEqual(draws[7]) // each GPU has its own
})

test('the draw is the one that an independent program makes', () => {
  expect([...drawVerifiers(pulse(1), gpu, voters)]).toEqual(['v18', 'v4', 'v15', 'v0', 'v6'])
})

test('everyone with stake is drawn when there are no more than seats; one without never', () => {
  const few = voters.slice(0, 3)
  expect([...drawVerifiers(pulse(1), gpu, few)].sort()).toEqual(['v0', 'v1', 'v2'])
  const poor = [...few, { id: 'poor', stake: 0n }]
  expect([...drawVerifiers(pulse(1), gpu, poor)].sort()).toEqual(['v0', 'v1', 'v2'])
  expect(drawVerifiers(pulse(1), gpu, [])).toEqual(new Set())
})

test('seats follow stake: a third of it has a seat far more often than a twentieth', () => {
  const rich = [{ id: 'rich', stake: 1000n }, ...voters]
  const times = (id: string): number =>
    Array.from({ length: 400 }, (_, i) => drawVerifiers(pulse(i), gpu, rich)).filter((drawn) =>
      drawn.has(id),
    ).length
  expect(times('rich')).toBeGreaterThan(300)
  expect(times('v0')).toBeLessThan(150)
  expect(times('v0')).toBeGreaterThan(20)
})

test('stakes beyond 2^64 are drawn exactly too', () => {
  const huge = voters.map(({ id, stake }) => ({ id, stake: stake * 2n ** 70n }))
  for (const [i, drawn] of draws.entries()) {
    expect(drawVerifiers(pulse(i), gpu, huge)).toEqual(drawn)
  }
})

test('volunteers check the share they are willing to, each others', () => {
  const share = (id: string, of: number): number =>
    Array.from({ length: 2000 }, (_, i) => volunteers(pulse(i), gpu, id, of)).filter(Boolean).length
  expect(share('v0', 0)).toBe(0)
  expect(share('v0', 1)).toBe(2000)
  expect(share('v0', 0.25)).toBeGreaterThan(400)
  expect(share('v0', 0.25)).toBeLessThan(600)
  const both = Array.from({ length: 2000 }, (_, i) => i).filter(
    (i) => volunteers(pulse(i), gpu, 'v0', 0.25) && volunteers(pulse(i), gpu, 'v1', 0.25),
  )
  expect(both.length).toBeLessThan(200)
})
