import { expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { loadKernels, PAGE_BYTES } from '../../src/gpu/kernels.ts'
import { merklePath, rootOf } from '../../src/gpu/merkle.ts'
import { isSampledPage, judgePage, type PageProof, provePage } from '../../src/gpu/page-proof.ts'
import {
  joinPassOpenings,
  openedPages,
  type PageAt,
  type PassLimits,
  type PassStatement,
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

const kernels = loadKernels()
const limits: PassLimits = {
  maxBytes: 64 << 20,
  maxPasses: 1024,
  maxTicks: 8,
  passSamples: 8,
  pageSamples: 4,
  iterations: 4,
}
const of = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const [fillSeed, passSeed, openSeed] = [of(1), of(5), of(2)]
const passes = 12
const bytes = 3 * FILL_UNIT_BYTES
const pages = bytes / PAGE_BYTES

/** Openings over an honest fill, with one committed digest spoilt. */
function proof(spoilt?: PageAt) {
  const fill = new ResidentFill(loadKernels(), fillSeed, bytes, limits.iterations)
  const all: { data: Uint8Array; levels: ReturnType<typeof passLevels> }[] = []
  let key: Uint8Array = passSeed
  for (let pass = 0; pass < passes; pass++) {
    const data = fill.pass(key)
    if (spoilt?.[0] === pass) data[8 * spoilt[1]]! ^= 1
    const levels = passLevels(data)
    all.push({ data, levels })
    key = nextPassKey(key, rootOf(levels))
  }
  const roots = concat(all.map(({ levels }) => rootOf(levels)))
  const closing = tickChain(passSeed, [5, passes], roots).at(-1)!
  const s: PassStatement = { fillSeed, passSeed, openSeed, bytes, passes, ticks: 2, closing }
  const opened = openedPages(kernels, openSeed, passes, pages, limits).map(({ pass, page }) => {
    const { data, levels } = all[pass]!
    const leaf = Math.floor(page / PAGES_PER_LEAF)
    const leaves = data.slice(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES)
    return { leaves, paths: concat(merklePath(levels, leaf)) }
  })
  return { s, openings: joinPassOpenings([5, passes], roots, opened) }
}

const sampled = openedPages(kernels, openSeed, passes, pages, limits).map(
  ({ pass, page }): PageAt => [pass, page],
)

test('every opened page of an honest fill is shown right', () => {
  const { s, openings } = proof()
  for (const at of sampled) {
    expect(isSampledPage(kernels, s, at, limits)).toBe(true)
    expect(judgePage(kernels, s, at, provePage(kernels, s, at, openings, limits), limits)).toBe(
      'right',
    )
  }
})

test('what the verifier finds wrong is proven wrong, from the openings alone', () => {
  const at = sampled[7]!
  const { s, openings } = proof(at)
  expect(verifyPasses(kernels, s, openings, limits)).toEqual({ ok: false, why: 'BAD_VALUE', at })
  const shown = provePage(kernels, s, at, openings, limits)
  expect(judgePage(kernels, s, at, shown, limits)).toBe('wrong')
  expect(judgePage(kernels, proof().s, at, shown, limits)).toBe('unproven')
})

test('a page that was not opened has no proof here, and convicts no one who checked those opened', () => {
  const { s, openings } = proof()
  const page = Array.from({ length: pages }, (_, i) => i).find((i) =>
    sampled.every((one) => one[1] !== i),
  )!
  expect(() => provePage(kernels, s, [sampled[0]![0], page], openings, limits)).toThrow(RangeError)
  expect(isSampledPage(kernels, s, [sampled[0]![0], page], limits)).toBe(false)
  expect(isSampledPage(kernels, { ...s, bytes: 5 }, sampled[0]!, limits)).toBe(false)
})

test('whatever is changed in a proof of fraud or in its statement, nothing is proven', () => {
  const at = sampled.at(-1)!
  const { s, openings } = proof(at)
  const good = provePage(kernels, s, at, openings, limits)
  const judge = (
    change: Partial<Record<keyof PageProof, unknown>>,
    place: PageAt = at,
    statement: Partial<PassStatement> = {},
  ) => judgePage(kernels, { ...s, ...statement }, place, { ...good, ...change } as never, limits)
  expect(judge({})).toBe('wrong')
  for (const key of ['roots', 'leaf', 'path'] as const) {
    const flipped = Uint8Array.from(good[key])
    flipped[3]! ^= 1
    const others = [flipped, good[key].subarray(1), new Uint8Array(), null, undefined, 3, 'x']
    for (const other of others) expect(judge({ [key]: other })).toBe('unproven')
  }
  for (const counts of [[5], [4, passes], [passes, passes], [], undefined, [5, passes + 1]]) {
    expect(judge({ counts })).toBe('unproven')
  }
  for (const place of [
    [at[0] - 1, at[1]],
    [passes, at[1]],
    [-1, at[1]],
    [at[0], pages],
    [at[0], (at[1] + PAGES_PER_LEAF) % pages],
    [Number.NaN, 0],
    [0.5, 0],
  ]) {
    expect(judge({}, place as unknown as PageAt)).toBe('unproven')
  }
  for (const change of [
    { passSeed: of(9) },
    { bytes: 5 * FILL_UNIT_BYTES },
    { bytes: bytes + 1 },
    { passes: passes - 1 },
    { ticks: 1 },
    { closing: of(1) },
  ]) {
    expect(judge({}, at, change)).toBe('unproven')
  }
})
