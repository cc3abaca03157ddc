import { expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { loadKernels, PAGE_BYTES } from '../../src/gpu/kernels.ts'
import {
  firstState,
  type HopLimits,
  type HopOpenings,
  type HopStatement,
  hashState,
  hopKey,
  openedSegments,
  openHops,
  verifyHops,
} from '../../src/gpu/locality-proof.ts'
import { FILL_UNIT_BYTES, ResidentFill } from '../../src/gpu/resident-fill.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { referenceHops, referencePage } from '../support/residency-reference.ts'

const kernels = loadKernels()
const limits: HopLimits = {
  maxBytes: 64 << 20,
  maxCheckpoints: 64,
  maxTicks: 8,
  hops: 64,
  iterations: 8,
}
const bytes = 3 * FILL_UNIT_BYTES
const of = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const [zero, fillSeed, openSeed] = [of(0), of(1), of(2)]
const hopSeed = Uint8Array.from({ length: 32 }, (_, i) => 11 * i + 3)
const wordsOf = (state: Uint8Array): number[] => [...new Uint32Array(state.slice().buffer)]

function walk(fill: ResidentFill, checkpoints: number): Uint8Array {
  const states: Uint8Array[] = []
  let state = firstState(hopSeed)
  for (let i = 0; i < checkpoints; i++) {
    state = fill.hops(state, hopKey(hopSeed), limits.hops)
    states.push(state)
  }
  return concat(states)
}

function proof(checkpoints: number, spoil = (states: Uint8Array): Uint8Array => states) {
  const fill = new ResidentFill(loadKernels(), fillSeed, bytes, limits.iterations)
  const states = spoil(walk(fill, checkpoints))
  const counts = [checkpoints]
  const roots = concat(
    Array.from({ length: checkpoints }, (_, i) => hashState(states.subarray(16 * i, 16 * i + 16))),
  )
  const closing = tickChain(hopSeed, counts, roots).at(-1)!
  const s: HopStatement = { fillSeed, hopSeed, openSeed, bytes, checkpoints, ticks: 1, closing }
  return { s, openings: openHops(kernels, s, counts, states) }
}

const verify = (s: HopStatement, openings: unknown) =>
  verifyHops(loadKernels(), s, openings as HopOpenings, limits)

test('hops over a fill equal the plain reference, and the walk without a fill equals both', () => {
  const fill = new ResidentFill(loadKernels(), fillSeed, bytes, limits.iterations)
  const [state, key] = [firstState(hopSeed), hopKey(hopSeed)]
  const pages = bytes / PAGE_BYTES
  const reference = referenceHops(wordsOf(state), wordsOf(key), pages, 50, (page) =>
    referencePage(fillSeed, page, limits.iterations),
  )
  const after = fill.hops(state, key, 50)
  expect(wordsOf(after)).toEqual(reference)
  kernels.setKey(fillSeed)
  const where = { domain: 0x56000001, pages, iterations: limits.iterations }
  const other = zero.subarray(16)
  const walked = kernels.hopsWithoutFill([other, state, other, state], key, where, 50)
  expect(walked[1]).toEqual(after)
  expect(walked[3]).toEqual(after)
  expect(walked[0]).toEqual(fill.hops(other, key, 50))
})

test('blocks beyond 2³² carry into the nonce in the walk too', () => {
  const pages = 2 ** 27 // 512 GiB: some of the first hops land beyond 256 GiB
  const [state, key] = [firstState(hopSeed), hopKey(hopSeed)]
  kernels.setKey(fillSeed)
  const where = { domain: 0x56000001, pages, iterations: 2 }
  const [walked] = kernels.hopsWithoutFill([state], key, where, 12)
  const visited: number[] = []
  const reference = referenceHops(wordsOf(state), wordsOf(key), pages, 12, (page) => {
    visited.push(page)
    return referencePage(fillSeed, page, 2)
  })
  expect(visited.some((page) => page >= 2 ** 26)).toBe(true)
  expect(wordsOf(walked!)).toEqual(reference)
})

test('the chain goes everywhere: no page is left out for long', () => {
  const seen = new Set<number>()
  const fill = new ResidentFill(loadKernels(), fillSeed, bytes, limits.iterations)
  let state = firstState(hopSeed)
  for (let i = 0; i < 4000; i++) {
    seen.add(Math.floor((wordsOf(state)[0]! / 2 ** 32) * (bytes / PAGE_BYTES)))
    state = fill.hops(state, hopKey(hopSeed), 1)
  }
  expect(seen.size).toBeGreaterThan(0.99 * (bytes / PAGE_BYTES))
})

test.each([1, 3, 30])('%i honest checkpoints are VALID', (checkpoints) => {
  const { s, openings } = proof(checkpoints)
  const hops = Math.min(4, checkpoints) * limits.hops
  expect(verify(s, openings)).toMatchObject({ ok: true, hops })
})

test('a checkpoint that was made up is BAD_VALUE where it is opened', () => {
  const { s, openings } = proof(4, (states) => {
    const copy = states.slice()
    copy[16 * 2]! ^= 1
    return copy
  })
  expect(verify(s, openings)).toEqual({ ok: false, why: 'BAD_VALUE', at: [2] })
})

test('a state that was not committed is BAD_PATH, another chain BAD_COMMIT', () => {
  const { s, openings } = proof(8)
  const states = openings.states.slice()
  states[20]! ^= 1
  expect(verify(s, { ...openings, states })).toMatchObject({ why: 'BAD_PATH' })
  const roots = openings.roots.slice()
  roots[5]! ^= 1
  expect(verify(s, { ...openings, roots })).toMatchObject({ why: 'BAD_COMMIT' })
  expect(verify({ ...s, hopSeed: zero }, openings)).toMatchObject({ why: 'BAD_COMMIT' })
  expect(verify({ ...s, fillSeed: zero }, openings)).toMatchObject({ why: 'BAD_VALUE' })
})

test('wrong shapes and sizes are BAD_SHAPE, no checkpoints are NO_WORK', () => {
  const { s, openings } = proof(2)
  for (const bad of [null, undefined, {}, 'x', { ...openings, states: zero.subarray(1) }]) {
    expect(verify(s, bad)).toMatchObject({ why: 'BAD_SHAPE' })
  }
  for (const over of [{ bytes: 4096 }, { checkpoints: 65 }, { checkpoints: 0.5 }, { ticks: 9 }]) {
    expect(verify({ ...s, ...over }, openings)).toMatchObject({ why: 'BAD_SHAPE' })
  }
  expect(verify({ ...s, checkpoints: 0, ticks: 0 }, openings)).toMatchObject({ why: 'NO_WORK' })
})

test('opened segments are distinct and there', () => {
  for (const checkpoints of [1, 2, 5, 400]) {
    const segments = openedSegments(kernels, openSeed, checkpoints)
    expect(new Set(segments).size).toBe(Math.min(4, checkpoints))
    expect(Math.max(...segments)).toBeLessThan(checkpoints)
  }
})
