import { expect, test } from 'vitest'
import { silent } from '../../src/log.ts'
import type { Book } from '../../src/node/books.ts'
import { createEvents } from '../../src/node/events.ts'
import { OrderBook } from '../../src/node/order-book.ts'
import { pullFrom } from '../../src/node/services/sync-books.ts'
import { offerKind, offersTopic, sealOffer } from '../../src/protocols/offers.ts'
import type { Rpc } from '../../src/protocols/rpc.ts'
import type { SyncPage, SyncRequest } from '../../src/protocols/sync.ts'
import { admits } from '../../src/protocols/topic.ts'
import { NOW_MS, offerOf, testKey, testNet } from '../support/market.ts'

const net = testNet()
const { signal } = new AbortController()

/** A book that keeps offers, asked of one peer whose answers the test decides. */
function pull(answer: (asked: SyncRequest, turn: number) => SyncPage | Promise<SyncPage>) {
  const orders = new OrderBook((peer) => peer)
  const book: Book = {
    topic: offersTopic,
    admissions: [admits(offerKind, (record) => orders.admit(record, NOW_MS).verdict)],
    known: (id) => orders.knows(id),
    records: async function* () {},
  }
  const turns: SyncRequest[] = []
  const rpc = {
    ask: async (_: unknown, __: unknown, asked: SyncRequest) =>
      answer(asked, turns.push(asked) - 1),
  } as unknown as Rpc
  const core = { net, log: silent, events: createEvents(() => NOW_MS) } as unknown as Parameters<
    typeof pullFrom
  >[0]['core']
  return { orders, turns, done: pullFrom({ core, rpc, books: [book] }, 'peer', signal) }
}
const record = (seed: number, change: object = {}) =>
  sealOffer(net, testKey(seed), offerOf(testKey(seed), change)).bytes
const next = Uint8Array.of(1)

test('pages are followed to the last', async () => {
  const { orders, turns, done } = pull((_, turn) =>
    turn < 3
      ? { records: [record(turn + 1)], next: Uint8Array.of(turn) }
      : { records: [record(9)] },
  )
  expect(await done).toBe(4)
  expect(orders.size).toBe(4)
  expect(turns.map(({ cursor }) => cursor?.[0])).toEqual([undefined, 0, 1, 2])
})

test('what is known is no news', async () => {
  const { done } = pull(() => ({ records: [record(1), record(1)] }))
  expect(await done).toBe(1)
})

test('records get the verdicts of gossip: bad ones do not enter, and too many end the visit', async () => {
  const forged = Uint8Array.from(record(1))
  forged[forged.length - 1]! ^= 1
  const some = pull(() => ({ records: [forged, Uint8Array.of(0), record(2)] }))
  expect(await some.done).toBe(1)
  const many = pull(() => ({ records: Array.from({ length: 20 }, () => forged), next }))
  await expect(many.done).rejects.toMatchObject({ code: 'PEER_BAD_RECORDS' })
  expect(many.turns).toHaveLength(1)
})

test('a peer that promises more without giving anything is not asked again', async () => {
  const { turns, done } = pull(() => ({ records: [], next }))
  expect(await done).toBe(0)
  expect(turns).toHaveLength(1)
})

test('a peer that never ends is left when the byte budget is spent', async () => {
  const page = Array.from({ length: 1000 }, () => record(1))
  const { turns, done } = pull(() => ({ records: page, next }))
  expect(await done).toBe(1)
  expect(turns.length).toBeGreaterThan(1)
  expect(turns.length * 1000 * page[0]!.length).toBeLessThan(32 * 2 ** 20)
})

test('a peer that fails says so to the caller', async () => {
  const { done } = pull(() => Promise.reject(new Error('gone')))
  await expect(done).rejects.toThrow('gone')
})
