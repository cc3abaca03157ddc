import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { concat, equalBytes, sha256 } from '../../src/bytes.ts'
import { taggedHash, u32 } from '../../src/gpu/hash.ts'
import {
  hashLeaf,
  hashNode,
  merkleLevels,
  merklePath,
  rootFromPath,
  rootOf,
} from '../../src/gpu/merkle.ts'
import { deriveSeed, type GpuIdentity, type Phase } from '../../src/gpu/seeds.ts'
import { tickChain, tickNext, tickStart, validCounts } from '../../src/gpu/tick-chain.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const fill = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const id: GpuIdentity = { genesis: fill(0), netuid: 1, hotkey: fill(1), peerId: 'ab', gpuId: 'c' }
const phases: Phase[] = ['fill', 'pass', 'gemm', 'open-pages', 'open-rows']

test('hashes, seeds and ticks are what the vectors say', () => {
  const file = new URL('../vectors/gpu-hashes.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(file, 'utf8'))
  const roots = concat([fill(3), fill(4), fill(5)])
  expect({
    leaf: hex(hashLeaf(fill(7))),
    node: hex(hashNode(fill(7), fill(8))),
    seeds: Object.fromEntries(phases.map((p) => [p, hex(deriveSeed(p, id, 512, 7, fill(9)))])),
    heads: tickChain(fill(2), [1, 1, 3], roots).map(hex),
  }).toEqual(vectors)
})

test('seeds are typed: no field slides into its neighbour; phase, hotkey, n, round and pulse each matter', () => {
  const others: Partial<GpuIdentity>[] = [
    { peerId: 'a', gpuId: 'bc' },
    { netuid: 12 },
    { hotkey: fill(2) },
    { genesis: fill(3) },
  ]
  const seeds = [
    ...phases.map((phase) => deriveSeed(phase, id, 512, 7, fill(0))),
    ...others.map((other) => deriveSeed('gemm', { ...id, ...other }, 512, 7, fill(0))),
    deriveSeed('gemm', id, 1024, 7, fill(0)),
    deriveSeed('gemm', id, 512, 8, fill(0)),
    deriveSeed('gemm', id, 512, 7, fill(1)),
  ]
  expect(new Set(seeds.map(hex)).size).toBe(seeds.length)
  expect(() => deriveSeed('gemm', id, -1, 7, fill(0))).toThrow(RangeError)
  expect(() => deriveSeed('gemm', id, 512, 2 ** 60, fill(0))).toThrow(RangeError)
})

test('a leaf, a node and plain SHA-256 of the same bytes are three different values', () => {
  const [a, b] = [fill(1), fill(2)]
  const values = [
    hashLeaf(concat([a, b])),
    hashNode(a, b),
    sha256(concat([a, b])),
    taggedHash('tick', a, b),
  ]
  expect(new Set(values.map(hex)).size).toBe(4)
})

test('every path of a tree leads to its root, and to no other index', () => {
  const leaves = Array.from({ length: 8 }, (_, i) => hashLeaf(fill(i)))
  const levels = merkleLevels(leaves)
  leaves.forEach((leaf, i) => {
    const path = concat(merklePath(levels, i))
    expect(rootFromPath(leaf, i, path)).toEqual(rootOf(levels))
    expect(rootFromPath(leaf, i ^ 1, path)).not.toEqual(rootOf(levels))
  })
  expect(() => merkleLevels(leaves.slice(0, 3))).toThrow(RangeError)
  expect(() => merkleLevels([])).toThrow(RangeError)
})

test('a tick binds its number and its count', () => {
  const head = tickStart(fill(1))
  expect(tickNext(head, 1, 2, fill(0))).not.toEqual(tickNext(head, 2, 1, fill(0)))
  expect(hex(u32(0x01020304))).toBe('01020304')
  expect(equalBytes(fill(1), fill(1).subarray(1))).toBe(false)
})

test.each([
  ['too few', [3]],
  ['too many', [2, 3, 3]],
  ['falling', [3, 2]],
  ['not ending at the total', [2, 2]],
  ['negative', [-1, 3]],
  ['fractional', [1.5, 3]],
  ['text', ['2', 3]],
  ['NaN', [Number.NaN, 3]],
  ['undefined', [undefined, 3]],
  ['a hole', Object.assign(new Array(2), { 1: 3 })],
  ['nothing', null],
])('counts that are %s are refused', (_, counts) => {
  expect(validCounts(counts, 2, 3)).toBe(false)
})

test('rising counts that end at the total are taken', () => {
  expect(validCounts([0, 3], 2, 3)).toBe(true)
  expect(validCounts([3, 3], 2, 3)).toBe(true)
})
