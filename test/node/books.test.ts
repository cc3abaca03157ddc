import { expect, test } from 'vitest'
import { type Book, joinBooks } from '../../src/node/books.ts'
import { noticesTopic, offersTopic, withdrawalKind } from '../../src/protocols/offers.ts'
import { SYNC_CURSOR_BYTES, syncPage } from '../../src/protocols/sync.ts'
import { admits, type Topic } from '../../src/protocols/topic.ts'

const bookOf = (topic: Topic, keys: readonly string[]): Book => ({
  topic,
  admissions: [admits(withdrawalKind, () => 'accept')],
  known: (id) => keys.some((key) => Buffer.from(id).toString() === key),
  async *records(after = '') {
    for (const key of keys) if (key > after) yield [key, Buffer.from(key)]
  },
})

test('books of one topic are heard, known and served as one, page by page', async () => {
  const [offers, notices] = joinBooks([
    bookOf(offersTopic, ['o/1']),
    bookOf(noticesTopic, ['a/1', 'b/2']),
    bookOf(noticesTopic, []),
    bookOf(noticesTopic, ['0000/a', '0000/b']),
  ])
  expect(offers!.topic).toBe(offersTopic)
  expect(notices!.admissions).toHaveLength(3)
  expect(['b/2', '0000/b', 'x'].map((id) => notices!.known(Buffer.from(id)))).toEqual([
    true,
    true,
    false,
  ])
  const seen: string[] = []
  let cursor: Uint8Array | undefined
  do {
    const asked = { topic: 'notices', maxBytes: 1, ...(cursor === undefined ? {} : { cursor }) }
    const page = await syncPage(notices!.records, asked)
    seen.push(...page.records.map((record) => Buffer.from(record).toString()))
    cursor = page.next
  } while (cursor !== undefined)
  expect(seen).toEqual(['a/1', 'b/2', '0000/a', '0000/b'])
})

test('what comes into any of them after a visit is told at the next', async () => {
  const [first, second] = [['a/1'], ['b/1']]
  const [notices] = joinBooks([bookOf(noticesTopic, first), bookOf(noticesTopic, second)])
  const asked = { topic: 'notices', maxBytes: 1000 }
  const { resume } = await syncPage(notices!.records, asked)
  first.push('a/2')
  second.push('b/2')
  const later = await syncPage(notices!.records, { ...asked, cursor: resume! })
  expect(later.records.map((record) => Buffer.from(record).toString())).toEqual(['a/2', 'b/2'])
  expect(later.resume!.length).toBeLessThan(SYNC_CURSOR_BYTES)
})

test('a cursor that no honest peer sends starts somewhere and ends', async () => {
  const [notices] = joinBooks([bookOf(noticesTopic, ['a/1']), bookOf(noticesTopic, ['b/1'])])
  for (const after of ['99/x', '-1/x', 'x', '1', '/', '1/', ' ', '   x y z']) {
    expect((await Array.fromAsync(notices!.records(after))).length).toBeLessThanOrEqual(2)
  }
})
