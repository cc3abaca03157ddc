import { expect, test } from 'vitest'
import { concat, sha256 } from '../../src/bytes.ts'
import { loadKernels, PAGE_BYTES } from '../../src/gpu/kernels.ts'
import { merklePath, rootOf } from '../../src/gpu/merkle.ts'
import {
  joinPassOpenings,
  openedPages,
  type PassLimits,
  type PassOpenings,
  type PassStatement,
  pageSamples,
  passOpeningsBytes,
  verifyPasses,
} from '../../src/gpu/residency-proof.ts'
import {
  FILL_UNIT_BYTES,
  LEAF_BYTES,
  nextPassKey,
  PAGES_PER_LEAF,
  passLevels,
  ResidentFill,
} from '../../src/gpu/resident-fill.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { referenceDigest, referencePage } from '../support/residency-reference.ts'

const kernels = loadKernels()
const limits: PassLimits = {
  maxBytes: 64 << 20,
  maxPasses: 4096,
  maxTicks: 8,
  passSamples: 8,
  pageSamples: 4,
  iterations: 8,
}
const bytes = 3 * FILL_UNIT_BYTES
const of = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const [zero, fillSeed, openSeed, passSeed] = [of(0), of(1), of(2), of(5)]

/** Opens `passes` honest passes over what `digests` gives for a key. */
function proof(passes: number, digestsOf: (key: Uint8Array) => Uint8Array, size = bytes) {
  const roots: Uint8Array[] = []
  const keys = [passSeed]
  for (let i = 0; i < passes; i++) {
    const root = rootOf(passLevels(digestsOf(keys[i]!)))
    roots.push(root)
    keys.push(nextPassKey(keys[i]!, root))
  }
  const all = concat(roots)
  const s: PassStatement = {
    fillSeed,
    passSeed,
    openSeed,
    bytes: size,
    passes,
    ticks: 1,
    closing: tickChain(passSeed, [passes], all).at(-1)!,
  }
  const opened = openedPages(kernels, openSeed, passes, size / PAGE_BYTES, limits)
  const parts = opened.map(({ pass, page }) => {
    const data = digestsOf(keys[pass]!)
    const leaf = Math.floor(page / PAGES_PER_LEAF)
    const leaves = data.slice(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)
    return { leaves, paths: concat(merklePath(passLevels(data), leaf)) }
  })
  return { s, openings: joinPassOpenings([passes], all, parts) }
}

const verify = (s: PassStatement, openings: unknown) =>
  verifyPasses(loadKernels(), s, openings as PassOpenings, limits)
const honest = (passes: number) => {
  const fill = new ResidentFill(loadKernels(), fillSeed, bytes, limits.iterations)
  return proof(passes, (key) => fill.pass(key))
}

test('pages and digests equal the plain reference', () => {
  const fill = new ResidentFill(kernels, fillSeed, FILL_UNIT_BYTES, limits.iterations)
  const digests = fill.pass(passSeed)
  for (const page of [0, 1, 127]) {
    const words = referencePage(fillSeed, page, limits.iterations)
    expect(digests.subarray(8 * page, 8 * page + 8)).toEqual(referenceDigest(words, passSeed, page))
  }
})

test('no two bits of a page cancel under every key: a fill cannot be packed', () => {
  const words = referencePage(fillSeed, 0, 2)
  // The highest bit of a word alone reaches bit 12 of its lane's state; the lane's next word lies 64 · 4 words on.
  const packed = words.slice()
  packed[0]! ^= 1 << 31
  packed[256]! ^= 1 << 12
  const keys = Array.from({ length: 64 }, (_, i) => sha256(of(i)))
  const same = keys.filter((key) => {
    const [kept, lost] = [words, packed].map((page) => referenceDigest(page, key, 0))
    return Buffer.compare(kept!, lost!) === 0
  })
  expect(same.length).toBeLessThan(keys.length * 0.75)
})

test('blocks beyond 2³² carry into the nonce: no two pages of a huge fill are the same', () => {
  const page = 2 ** 32 / 64 // 256 GiB
  kernels.reserve(4096 + 3 * PAGE_BYTES)
  kernels.setKey(fillSeed)
  kernels.fill(0x56000001, page, 1, 2, 4096)
  kernels.fill(0x56000001, 0, 1, 2, 4096 + PAGE_BYTES)
  const [far, near] = [4096, 8192].map((at) => kernels.memory().slice(at, at + PAGE_BYTES))
  expect(far).not.toEqual(near)
  expect(far).toEqual(new Uint8Array(referencePage(fillSeed, page, 2).buffer))
})

test.each([1, 5, 12])('%i honest passes are VALID, also over a tree of three leaves', (passes) => {
  const { s, openings } = honest(passes)
  const { passes: opened, each } = pageSamples(passes, limits)
  expect(verify(s, openings)).toMatchObject({ ok: true, pages: opened * each })
})

test('a third of the buffer missing is BAD_VALUE', () => {
  const fill = new ResidentFill(loadKernels(), fillSeed, bytes, limits.iterations)
  const { s, openings } = proof(4, (key) => fill.pass(key).fill(0, 0, 1024))
  expect(verify(s, openings)).toMatchObject({ ok: false, why: 'BAD_VALUE' })
})

test('a tree of one leaf or a shorter path cannot stand for a larger buffer', () => {
  const small = new ResidentFill(loadKernels(), fillSeed, FILL_UNIT_BYTES, limits.iterations)
  const data = small.pass(passSeed)
  const root = rootOf(passLevels(data))
  const closing = tickChain(passSeed, [1], root).at(-1)!
  const s: PassStatement = { fillSeed, passSeed, openSeed, bytes, passes: 1, ticks: 1, closing }
  const want = passOpeningsBytes(bytes, 1, limits)
  const leaves = concat(Array.from({ length: want.leaves / LEAF_BYTES }, () => data))
  const openings = { counts: [1], roots: root, leaves }
  expect(verify(s, { ...openings, paths: zero.subarray(32) })).toMatchObject({ why: 'BAD_SHAPE' })
  const paths = new Uint8Array(want.paths)
  expect(verify(s, { ...openings, paths })).toMatchObject({ why: 'BAD_PATH' })
})

test('hole: pages that are missing pass under an open seed the prover picks, so one in the openings is ignored', () => {
  const fill = new ResidentFill(loadKernels(), fillSeed, bytes, limits.iterations)
  const half = bytes / PAGE_BYTES / 2
  const digestsOf = (key: Uint8Array) => fill.pass(key).fill(0, 8 * half)
  const few = { ...limits, passSamples: 1, pageSamples: 1 }
  const seeds = Array.from({ length: 40 }, (_, i) => of(100 + i))
  const pageOf = (open: Uint8Array) => openedPages(kernels, open, 1, 2 * half, few)[0]!.page
  const lucky = seeds.find((open) => pageOf(open) < half)!
  const drawn = seeds.find((open) => pageOf(open) >= half)!
  const opened = (open: Uint8Array) => {
    const digests = digestsOf(passSeed)
    const levels = passLevels(digests)
    const leaf = Math.floor(pageOf(open) / PAGES_PER_LEAF)
    const roots = rootOf(levels)
    const closing = tickChain(passSeed, [1], roots).at(-1)!
    const s = { fillSeed, passSeed, openSeed: open, bytes, passes: 1, ticks: 1, closing }
    const leaves = digests.slice(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)
    return { s, openings: { counts: [1], roots, leaves, paths: concat(merklePath(levels, leaf)) } }
  }
  const check = (s: PassStatement, openings: object) =>
    verifyPasses(loadKernels(), s, openings as PassOpenings, few)
  expect(check(opened(lucky).s, opened(lucky).openings)).toMatchObject({ ok: true })
  const told = { ...opened(drawn).openings, openSeed: lucky, pages: [pageOf(lucky)], passes: [0] }
  expect(check(opened(drawn).s, told)).toMatchObject({ ok: false, why: 'BAD_VALUE' })
  expect(check(opened(drawn).s, { ...told, ...opened(lucky).openings })).toMatchObject({
    ok: false,
  })
})

test('hole: passes cannot be run side by side: the second follows from the root of the first', () => {
  const fill = new ResidentFill(loadKernels(), fillSeed, bytes, limits.iterations)
  const honestOne = proof(2, (key) => fill.pass(key))
  let calls = 0
  const spliced = proof(2, (key) => {
    calls += 1
    return fill.pass(calls > 1 ? of(77) : key)
  })
  expect(verify(honestOne.s, honestOne.openings)).toMatchObject({ ok: true })
  expect(verify(spliced.s, spliced.openings)).toMatchObject({ ok: false })
})

test('opened pages lie inside the tree', () => {
  for (const { page } of openedPages(kernels, openSeed, 12, bytes / PAGE_BYTES, limits)) {
    expect(page).toBeLessThan(bytes / PAGE_BYTES)
  }
})

test('sizes that a fill cannot have are BAD_SHAPE, no passes are NO_WORK', () => {
  const { s, openings } = honest(1)
  for (const size of [0, 4096, bytes + 1, 128 << 20, Number.NaN, -bytes]) {
    expect(verify({ ...s, bytes: size }, openings)).toMatchObject({ why: 'BAD_SHAPE' })
  }
  expect(verify({ ...s, passes: 0, ticks: 0 }, {})).toMatchObject({ why: 'NO_WORK' })
  for (const over of [{ passes: 4097 }, { passes: 1.5 }, { ticks: 9 }, { ticks: -1 }]) {
    expect(verify({ ...s, ...over }, openings)).toMatchObject({ why: 'BAD_SHAPE' })
  }
})

test('wrong shapes are BAD_SHAPE, never an exception', () => {
  const { s, openings } = honest(2)
  for (const key of ['roots', 'leaves', 'paths'] as const) {
    const value = openings[key]
    for (const bad of [value.subarray(1), concat([value, zero]), undefined, null, 'x', 7, {}]) {
      expect(verify(s, { ...openings, [key]: bad })).toMatchObject({ why: 'BAD_SHAPE' })
    }
  }
  for (const counts of [[], [3], [1, 2], [1.5], ['2'], null, new Array(1)]) {
    expect(verify(s, { ...openings, counts })).toMatchObject({ why: 'BAD_SHAPE' })
  }
  for (const nothing of [null, undefined, {}, [], 'x']) {
    expect(verify(s, nothing)).toMatchObject({ why: 'BAD_SHAPE' })
  }
})

test('a flipped bit is caught, with the right reason', () => {
  const { s, openings } = honest(3)
  const flip = (b: Uint8Array, at: number): Uint8Array => {
    const copy = Uint8Array.from(b)
    copy[at]! ^= 1
    return copy
  }
  for (let at = 0; at < openings.leaves.length; at += 4999) {
    const leaves = flip(openings.leaves, at)
    expect(verify(s, { ...openings, leaves })).toMatchObject({ why: 'BAD_PATH' })
  }
  for (let at = 0; at < openings.roots.length; at += 7) {
    const roots = flip(openings.roots, at)
    expect(verify(s, { ...openings, roots })).toMatchObject({ why: 'BAD_COMMIT' })
  }
  expect(verify({ ...s, fillSeed: zero }, openings)).toMatchObject({ why: 'BAD_VALUE' })
  expect(verify({ ...s, passSeed: zero }, openings)).toMatchObject({ why: 'BAD_COMMIT' })
})
