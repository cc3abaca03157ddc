import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  MAX_ANCHORED,
  NO_RECORDS,
  provenRoot,
  recordsTree,
} from '../../src/protocols/records-tree.ts'

const idOf = (n: number): Uint8Array => new Uint8Array(hash('sha256', `record ${n}`, 'buffer'))
const idsOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, n) => idOf(n))

test.each([1, 2, 3, 4, 7, 8, 9, 100])('each of %d records is proven, and no other', (count) => {
  const ids = idsOf(count)
  const tree = recordsTree(ids)
  for (const id of ids) {
    const proof = tree.prove(id)!
    expect(provenRoot(id, proof)).toEqual(tree.root)
    expect(provenRoot(idOf(count), proof)).not.toEqual(tree.root)
  }
  expect(tree.prove(idOf(count))).toBeUndefined()
})

test('the order in which records come, and one that comes twice, change nothing', () => {
  const ids = idsOf(5)
  expect(recordsTree([...ids.toReversed(), ids[2]!]).root).toEqual(recordsTree(ids).root)
})

test('a record more, a record less and a padding leaf are other roots', () => {
  const roots = [1, 2, 3, 4, 5].map((count) => Buffer.from(recordsTree(idsOf(count)).root))
  expect(new Set(roots.map((root) => root.toString('hex'))).size).toBe(5)
  expect(recordsTree([...idsOf(3), new Uint8Array(32)]).root).not.toEqual(
    recordsTree(idsOf(3)).root,
  )
  expect(recordsTree([]).root).toEqual(NO_RECORDS)
})

test('the bytes of a root do not change', () => {
  const hex = (count: number): string => Buffer.from(recordsTree(idsOf(count)).root).toString('hex')
  expect([hex(1), hex(3)]).toMatchInlineSnapshot(`
    [
      "64109c575799009bb87672c5a8e2579c3ee8a6ff7a3120212693417ecde7b9f2",
      "7b5dbd1d60eb9f120e17d142d92c84ff74c584644bf547c953d9b3e6c537aa71",
    ]
  `)
})

test('a proof that no tree gives leads nowhere', () => {
  const [first] = idsOf(1)
  const tree = recordsTree(idsOf(5))
  const proof = tree.prove(first!)!
  const path = proof.path
  for (const wrong of [
    { index: -1 },
    { index: 5 },
    { index: 1.5 },
    { count: 0 },
    { count: MAX_ANCHORED + 1 },
    { count: Number.NaN },
    { path: path.slice(1) },
    { path: [...path, NO_RECORDS] },
  ])
    expect(provenRoot(first!, { ...proof, ...wrong })).toBeUndefined()
  expect(provenRoot(first!.slice(1), proof)).toBeUndefined()
  // The count is bound by the root: a place in a larger tree of the same height is none here.
  expect(provenRoot(first!, { ...proof, count: 6 })).not.toEqual(tree.root)
})
