/** What every backend must do, whatever drives it: the bytes of the plain references, in any order of calls. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import type { Backend, ProofSizes } from '../../src/gpu/backend.ts'
import { GemmChain, matrixLevels } from '../../src/gpu/gemm-chain.ts'
import { type GemmLimits, verifyGemm } from '../../src/gpu/gemm-proof.ts'
import { loadKernels, PAGE_BYTES } from '../../src/gpu/kernels.ts'
import { merklePath, rootOf } from '../../src/gpu/merkle.ts'
import { openPages, openRows, runWork } from '../../src/gpu/prove-work.ts'
import { type PassLimits, verifyPasses } from '../../src/gpu/residency-proof.ts'
import {
  FILL_UNIT_BYTES,
  LEAF_BYTES,
  nextPassKey,
  PAGES_PER_LEAF,
  passLevels,
} from '../../src/gpu/resident-fill.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { referenceChain } from './gemm-reference.ts'
import { referenceDigest, referenceHops, referencePage } from './residency-reference.ts'

/** A software adapter on two busy cores may take half a minute for one large step. */
const TIMEOUT_MS = 600_000
const STEPS = 3
const PASSES = 3
const ITERATIONS = 4

const small: ProofSizes = { n: 256, bytes: FILL_UNIT_BYTES }
/** Three leaves: the tree is padded with a zero hash. */
const odd: ProofSizes = { n: 512, bytes: 3 * FILL_UNIT_BYTES }

/** 32 bytes in the middle of a larger buffer, at an odd place: what comes out of a message. */
function bytes32(value: number): Uint8Array {
  return Uint8Array.from({ length: 101 }, (_, i) => (7 * i + value) & 0xff).subarray(33, 65)
}
const [fillSeed, otherFillSeed, passSeed, chainSeed, openSeed] = [1, 2, 3, 4, 5].map(bytes32) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

const gemmLimits: GemmLimits = { minN: 256, maxN: 1024, maxTicks: 8, rowSamples: 64 }
const passLimits: PassLimits = {
  maxBytes: odd.bytes,
  maxPasses: 64,
  maxTicks: 8,
  passSamples: 2,
  pageSamples: 8,
  iterations: ITERATIONS,
}

/** Keeps what is slow to compute; `make` is called once for each key. */
function kept<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const values = new Map<Key, Value>()
  return (key) => {
    if (!values.has(key)) values.set(key, make(key))
    return values.get(key)!
  }
}

/** Matrix and tree after each step of the chain of `chainSeed`. */
const chainOf = kept((n: number) =>
  referenceChain(chainSeed, n, STEPS).map((x) => ({ x, levels: matrixLevels(x, n) })),
)

/** Key, digests and tree of each pass over the fill of `fillSeed`. */
const passesOf = kept((bytes: number) => {
  const pages = Array.from({ length: bytes / PAGE_BYTES }, (_, page) =>
    referencePage(fillSeed, page, ITERATIONS),
  )
  const passes = []
  for (let key = passSeed; passes.length < PASSES; ) {
    const digests = concat(pages.map((words, page) => referenceDigest(words, key, page)))
    const levels = passLevels(digests)
    passes.push({ key, digests, levels })
    key = nextPassKey(key, rootOf(levels))
  }
  return passes
})

const [hopState, hopKeyBytes] = [bytes32(6).subarray(3, 19), bytes32(7).subarray(0, 16)]
const HOPS = 200
const wordsOf = (bytes: Uint8Array): number[] => [...new Uint32Array(bytes.slice().buffer)]

/** The states of the locality chain after each hop over the fill of `fillSeed`, and the pages it read. */
const hopsOf = kept((bytes: number) => {
  const visited: number[] = []
  const states: Uint8Array[] = []
  const pageOf = kept((page: number) => referencePage(fillSeed, page, ITERATIONS))
  for (let words = wordsOf(hopState); states.length < HOPS; ) {
    words = referenceHops(words, wordsOf(hopKeyBytes), bytes / PAGE_BYTES, 1, (page) => {
      visited.push(page)
      return pageOf(page)
    })
    states.push(new Uint8Array(Uint32Array.from(words).buffer))
  }
  return { visited, states }
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const hexRoots = (steps: readonly { levels: readonly (readonly Uint8Array[])[] }[]): string[] =>
  steps.map(({ levels }) => hex(rootOf(levels)))

export interface ConformanceOptions {
  /** Whether it makes a product of n = 2048, which takes a quarter of a minute where the device is software. */
  readonly longRows?: boolean
}

/**
 * Declares the tests of one backend, all on one instance in order: each prepares the sizes it needs. The bytes of every
 * root, row, leaf and path must equal the references; what prove-work.ts opens must verify.
 */
export function backendConformance(
  title: string,
  create: () => Promise<Backend>,
  { longRows = true }: ConformanceOptions = {},
): void {
  describe(title, { timeout: TIMEOUT_MS }, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await create()
    }, TIMEOUT_MS)
    afterAll(() => backend?.[Symbol.asyncDispose](), TIMEOUT_MS)

    const steps = async (count: number): Promise<string[]> => {
      const roots: string[] = []
      while (roots.length < count) roots.push(hex(await backend.step()))
      return roots
    }
    const filled = async (sizes: ProofSizes): Promise<void> => {
      await backend.prepare(sizes)
      await backend.fill(fillSeed, ITERATIONS)
    }

    test('it says what it is, before anything is prepared', () => {
      expect(backend.device).not.toBe('')
      expect(['cpu', 'cuda', 'webgpu']).toContain(backend.name)
    })

    test.each([small, odd])('n = $n: three steps, and rows of each', async (sizes) => {
      const { n } = sizes
      await backend.prepare(sizes)
      await backend.startChain(chainSeed)
      for (const { x, levels } of chainOf(n)) {
        expect(hex(await backend.step())).toBe(hex(rootOf(levels)))
        const rows = [0, 1, n / 2 - 1, n / 2, n - 1]
        const opened = await backend.openRows(rows)
        expect(hex(opened.rows)).toBe(hex(concat(rows.map((j) => x.slice(j * n, j * n + n)))))
        expect(hex(opened.paths)).toBe(hex(concat(rows.flatMap((j) => merklePath(levels, j)))))
      }
    })

    test('every row of a matrix can be opened at once, and no row at all', async () => {
      const { n } = small
      await backend.prepare(small)
      await backend.startChain(chainSeed)
      await backend.step()
      const { x, levels } = chainOf(n)[0]!
      const all = await backend.openRows(Array.from({ length: n }, (_, j) => j))
      expect(hex(all.rows)).toBe(hex(x))
      expect(all.paths.length).toBe(n * 32 * (levels.length - 1))
      const none = await backend.openRows([])
      expect([none.rows.length, none.paths.length]).toEqual([0, 0])
    })

    test('a chain starts over, also in its middle, and roots handed out stay as they are', async () => {
      const expected = hexRoots(chainOf(small.n))
      await backend.prepare(small)
      await backend.startChain(chainSeed)
      const first = await backend.step()
      await backend.step()
      await backend.startChain(otherFillSeed)
      expect(await steps(1)).not.toEqual(expected.slice(0, 1))
      await backend.startChain(chainSeed)
      expect(await steps(STEPS)).toEqual(expected)
      expect(hex(first)).toBe(expected[0])
    })

    test('a chain that makes nothing ahead takes the same steps, before and after one that does', async () => {
      const expected = hexRoots(chainOf(small.n))
      await backend.prepare(small)
      for (const ahead of [false, true, false]) {
        await backend.startChain(chainSeed, { ahead })
        expect(await steps(STEPS)).toEqual(expected)
      }
    })

    if (longRows) {
      test('n = 2048: rows longer than a chunk are trees themselves', async () => {
        const n = 2048
        const { root, x, levels } = new GemmChain(loadKernels(), chainSeed, n).next()
        await backend.prepare({ n, bytes: FILL_UNIT_BYTES })
        await backend.startChain(chainSeed, { ahead: false }) // a second product shows nothing more
        expect(hex(await backend.step())).toBe(hex(root))
        const rows = [n - 1, 77]
        const opened = await backend.openRows(rows)
        expect(hex(opened.rows)).toBe(hex(concat(rows.map((j) => x.slice(j * n, j * n + n)))))
        expect(hex(opened.paths)).toBe(hex(concat(rows.flatMap((j) => merklePath(levels, j)))))
      })
    }

    test.each([small, odd])('$bytes bytes: three passes, and leaves of each', async (sizes) => {
      await filled(sizes)
      const last = sizes.bytes / FILL_UNIT_BYTES - 1
      for (const { key, digests, levels } of passesOf(sizes.bytes)) {
        expect(hex(await backend.pass(key))).toBe(hex(rootOf(levels)))
        // As drawn: in any order, some of them twice.
        const leaves = [last, 0, last, Math.min(1, last)]
        const opened = await backend.openLeaves(leaves)
        const leafOf = (i: number) => digests.slice(i * LEAF_BYTES, (i + 1) * LEAF_BYTES)
        expect(hex(opened.leaves)).toBe(hex(concat(leaves.map(leafOf))))
        expect(hex(opened.paths)).toBe(hex(concat(leaves.flatMap((i) => merklePath(levels, i)))))
      }
    })

    test('another seed or number of iterations fills anew; the same pass again has the same root', async () => {
      const { key, levels } = passesOf(small.bytes)[0]!
      const root = hex(rootOf(levels))
      await filled(small)
      expect(hex(await backend.pass(key))).toBe(root)
      expect(hex(await backend.pass(key))).toBe(root)
      await backend.fill(otherFillSeed, ITERATIONS)
      expect(hex(await backend.pass(key))).not.toBe(root)
      await backend.fill(fillSeed, ITERATIONS + 1)
      expect(hex(await backend.pass(key))).not.toBe(root)
      await backend.fill(fillSeed, ITERATIONS)
      expect(hex(await backend.pass(key))).toBe(root)
    })

    test.each([small, odd])('$bytes bytes: hops go all over the fill', async (sizes) => {
      await filled(sizes)
      const { visited, states } = hopsOf(sizes.bytes)
      // So that a chain which never left one buffer or one thread's part would be noticed.
      const units = new Set(visited.map((page) => Math.floor(page / PAGES_PER_LEAF)))
      expect(units.size).toBe(sizes.bytes / FILL_UNIT_BYTES)
      for (const count of [1, 2, HOPS]) {
        expect(hex(await backend.hops(hopState, hopKeyBytes, count))).toBe(hex(states[count - 1]!))
      }
      const middle = await backend.hops(hopState, hopKeyBytes, 70)
      const rest = await backend.hops(middle, hopKeyBytes, HOPS - 70)
      expect(hex(rest)).toBe(hex(states[HOPS - 1]!))
    })

    test('hops disturb neither a pass nor a chain, and follow the fill', async () => {
      await filled(odd)
      const [pass] = passesOf(odd.bytes)
      const { states } = hopsOf(odd.bytes)
      const walk = async () => hex(await backend.hops(hopState, hopKeyBytes, HOPS))
      await backend.startChain(chainSeed)
      expect(hex(await backend.pass(pass!.key))).toBe(hex(rootOf(pass!.levels)))
      expect(await walk()).toBe(hex(states[HOPS - 1]!))
      expect(await steps(1)).toEqual(hexRoots(chainOf(odd.n)).slice(0, 1))
      const { leaves } = await backend.openLeaves([1])
      expect(hex(leaves)).toBe(hex(pass!.digests.slice(LEAF_BYTES, 2 * LEAF_BYTES)))
      await backend.fill(otherFillSeed, ITERATIONS)
      expect(await walk()).not.toBe(hex(states[HOPS - 1]!))
    })

    test('fill and chain do not disturb each other', async () => {
      await filled(odd)
      const [pass, next] = passesOf(odd.bytes)
      const [one, two] = chainOf(odd.n)
      await backend.startChain(chainSeed)
      expect(hex(await backend.step())).toBe(hex(rootOf(one!.levels)))
      expect(hex(await backend.pass(pass!.key))).toBe(hex(rootOf(pass!.levels)))
      const rows = await backend.openRows([3])
      expect(hex(rows.rows)).toBe(hex(one!.x.slice(3 * odd.n, 4 * odd.n)))
      expect(hex(await backend.step())).toBe(hex(rootOf(two!.levels)))
      const opened = await backend.openLeaves([1])
      expect(hex(opened.leaves)).toBe(hex(pass!.digests.slice(LEAF_BYTES, 2 * LEAF_BYTES)))
      expect(hex(await backend.pass(next!.key))).toBe(hex(rootOf(next!.levels)))
    })

    test('prepared again with the same sizes, the fill is still there; with others it starts over', async () => {
      const { key, levels } = passesOf(odd.bytes)[0]!
      await filled(odd)
      await backend.prepare({ ...odd })
      expect(hex(await backend.pass(key))).toBe(hex(rootOf(levels)))
      for (const sizes of [small, odd, small]) {
        await filled(sizes)
        await backend.startChain(chainSeed)
        expect(await steps(STEPS)).toEqual(hexRoots(chainOf(sizes.n)))
        const pass = passesOf(sizes.bytes)[0]!
        expect(hex(await backend.pass(pass.key))).toBe(hex(rootOf(pass.levels)))
      }
    })

    test('a call that comes too early is refused, and it goes on', async () => {
      await filled(odd)
      await backend.startChain(chainSeed)
      await backend.prepare(small) // nothing of the other sizes is left
      await expect(backend.pass(passSeed)).rejects.toThrow()
      await expect(backend.openLeaves([0])).rejects.toThrow()
      await expect(backend.hops(hopState, hopKeyBytes, 1)).rejects.toThrow()
      await expect(backend.step()).rejects.toThrow()
      await expect(backend.openRows([0])).rejects.toThrow()
      await backend.startChain(chainSeed)
      expect(await steps(1)).toEqual(hexRoots(chainOf(small.n)).slice(0, 1))
    })

    test.each([small, odd])('n = $n: what it opens of a chain verifies', async (sizes) => {
      const { n } = sizes
      await backend.prepare(sizes)
      const roots: Uint8Array[] = []
      const goesOn = (): boolean => roots.length < STEPS
      await runWork(backend, { work: 'gemm', seed: chainSeed }, goesOn, (root) => roots.push(root))
      const counts = [1, STEPS]
      const closing = tickChain(chainSeed, counts, concat(roots)).at(-1)!
      const statement = { seed: chainSeed, openSeed, n, steps: STEPS, ticks: 2, closing }
      const job = { statement, counts, limits: gemmLimits }
      const openings = await openRows(backend, loadKernels(), job)
      const verdict = verifyGemm(loadKernels(), statement, openings, gemmLimits)
      expect(verdict).toMatchObject({ ok: true })
    })

    test.each([small, odd])('$bytes bytes: what it opens of its passes verifies', async (sizes) => {
      await filled(sizes)
      const handed: Uint8Array[] = []
      const goesOn = (): boolean => handed.length < PASSES
      const work = { work: 'residency', seed: passSeed } as const
      await runWork(backend, work, goesOn, (root) => handed.push(root))
      const [roots, counts] = [concat(handed), [2, PASSES]]
      const closing = tickChain(passSeed, counts, roots).at(-1)!
      const { bytes } = sizes
      const statement = { fillSeed, passSeed, openSeed, bytes, passes: PASSES, ticks: 2, closing }
      const job = { statement, counts, roots, limits: passLimits }
      const openings = await openPages(backend, loadKernels(), job)
      const verdict = verifyPasses(loadKernels(), statement, openings, passLimits)
      expect(verdict).toMatchObject({ ok: true, pages: 16 })
    })
  })
}
