import { expect, test } from 'vitest'
import { type SyncRequest, type SyncSource, sync, syncPage } from '../../src/protocols/sync.ts'

const stored = new Map(
  Array.from({ length: 50 }, (_, i) => [
    `k${String(i).padStart(2, '0')}`,
    new Uint8Array(100).fill(i),
  ]),
)
const source: SyncSource = async function* (after = '') {
  for (const [key, record] of stored) if (key > after) yield [key, record]
}
const asked = (change: Partial<SyncRequest> = {}): SyncRequest => ({
  topic: 'offers',
  maxBytes: 1000,
  ...change,
})

test('pages follow each other to the end, each within its bytes, nothing lost or twice', async () => {
  const got: number[] = []
  let cursor: Uint8Array | undefined
  let pages = 0
  do {
    const page = await syncPage(source, asked(cursor === undefined ? {} : { cursor }))
    expect(page.records.length).toBeLessThanOrEqual(10)
    got.push(...page.records.map((record) => record[0]!))
    cursor = page.next
    pages++
  } while (cursor !== undefined)
  expect(pages).toBe(5)
  expect(got).toEqual(Array.from({ length: 50 }, (_, i) => i))
})

test('one record always fits, so that a page is never empty for ever', async () => {
  const page = await syncPage(source, asked({ maxBytes: 1 }))
  expect(page.records).toHaveLength(1)
  expect(page.next).toBeDefined()
})

test('an unknown or garbled cursor ends or starts somewhere, and never throws', async () => {
  expect((await syncPage(source, asked({ cursor: Buffer.from('zz') }))).records).toEqual([])
  expect(
    (await syncPage(source, asked({ cursor: Uint8Array.of(0xff, 0xfe) }))).next,
  ).toBeUndefined()
})

test.each([
  ['too large a page', { topic: 'offers', maxBytes: 512 * 1024 + 1 }],
  ['no page at all', { topic: 'offers', maxBytes: 0 }],
  ['a topic that is no name', { topic: '../x', maxBytes: 1 }],
  ['a long cursor', { topic: 'offers', maxBytes: 1, cursor: new Uint8Array(129) }],
])('%s is refused', (_, request) =>
  expect(
    () => sync.request.encode(request) && sync.request.decode(sync.request.encode(request)),
  ).toThrow(),
)
