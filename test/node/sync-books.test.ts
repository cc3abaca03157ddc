import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../src/log.ts'
import { inOrderOfArrival } from '../../src/node/arrivals.ts'
import type { Book } from '../../src/node/books.ts'
import { createEvents } from '../../src/node/events.ts'
import { BOOK_LIMITS, OrderBook } from '../../src/node/order-book.ts'
import { nextPartners, pullFrom } from '../../src/node/services/sync-books.ts'
import { openStore } from '../../src/node/store.ts'
import { createSyncCursors, type SyncCursors } from '../../src/node/sync-cursors.ts'
import { offerKind, offersTopic, sealOffer } from '../../src/protocols/offers.ts'
import type { Rpc } from '../../src/protocols/rpc.ts'
import { type SyncPage, type SyncRequest, syncPage } from '../../src/protocols/sync.ts'
import { admits } from '../../src/protocols/topic.ts'
import { hoursMs, MiB } from '../../src/units.ts'
import { NOW_MS, offerOf, testKey, testNet } from '../support/market.ts'

const net = testNet()
const { signal } = new AbortController()

interface Opened {
  readonly cursors: SyncCursors
  close(): Promise<void>
}

/** Cursors in a real store, by a clock that the test sets. */
async function openCursors(clock = { nowMs: NOW_MS }, folder?: string): Promise<Opened> {
  const path = folder ?? (await mkdtemp(join(tmpdir(), 'cn-cursors-')))
  const store = await openStore(path)
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]()
    await rm(path, { recursive: true, force: true })
  })
  const cursors = await createSyncCursors({ store, log: silent, nowMs: () => clock.nowMs })
  return {
    cursors,
    async close() {
      await store[Symbol.asyncDispose]()
    },
  }
}

const bookOf = (orders: OrderBook): Book => ({
  topic: offersTopic,
  admissions: [admits(offerKind, (record) => orders.admit(record, NOW_MS).verdict)],
  known: (id) => orders.knows(id),
  records: inOrderOfArrival(() => orders.offers(NOW_MS).map(({ bytes }) => bytes)),
})

type Answer = (asked: SyncRequest, turn: number) => SyncPage | Promise<SyncPage>

/** Fetches `book` from one peer whose answers the test decides. */
function visit(book: Book, cursors: SyncCursors, answer: Answer) {
  const turns: SyncRequest[] = []
  const rpc = {
    ask: async (_: unknown, __: unknown, asked: SyncRequest) =>
      answer(asked, turns.push(asked) - 1),
  } as unknown as Rpc
  const core = { net, log: silent, events: createEvents(() => NOW_MS) } as unknown as Parameters<
    typeof pullFrom
  >[0]['core']
  return { turns, done: pullFrom({ core, rpc, books: [book], cursors }, 'peer', signal) }
}

/** A fresh book's first visit. */
function pull(answer: Answer) {
  const orders = new OrderBook((peer) => peer)
  return { orders, ...visit(bookOf(orders), memoryless, answer) }
}
/** What was before cursors: every visit begins at the beginning. */
const memoryless: SyncCursors = { of: () => undefined, reached: async () => undefined }
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

/** A peer with `count` offers, and what visits to its book cost. */
function largeMarket(count: number) {
  const unlimited = { ...BOOK_LIMITS, perOwner: count }
  const theirs = new OrderBook((peer) => peer, unlimited)
  const ours = new OrderBook((peer) => peer, unlimited)
  const add = (from: number, until: number, change: object = {}): void => {
    for (let i = from; i < until; i++) {
      const key = testKey(1 + (i % 200))
      const offer = offerOf(key, { lot: Math.floor(i / 200), ...change })
      theirs.admit(sealOffer(net, key, offer), NOW_MS)
    }
  }
  add(0, count)
  let served = bookOf(theirs)
  return {
    ours,
    add,
    /** The peer's process is another one. */
    restart: () => {
      served = bookOf(theirs)
    },
    async round(cursors: SyncCursors) {
      const cost = { records: 0, bytes: 0, news: 0 }
      const { done } = visit(bookOf(ours), cursors, async (asked) => {
        const page = await syncPage(served.records, asked)
        cost.records += page.records.length
        for (const { length } of page.records) cost.bytes += length
        return page
      })
      cost.news = await done
      return cost
    },
  }
}

test('a round costs what came since the last one, where it cost everything', async () => {
  const market = largeMarket(3000)
  const { cursors } = await openCursors()
  const first = await market.round(cursors)
  expect(first).toMatchObject({ records: 3000, news: 3000 })
  expect(first.bytes).toBeGreaterThan(3000 * 400)
  expect(await market.round(memoryless)).toMatchObject({ records: 3000, bytes: first.bytes })
  expect(await market.round(cursors)).toEqual({ records: 0, bytes: 0, news: 0 })
  market.add(3000, 3007)
  market.add(40, 43, { seq: NOW_MS + 1 }) // old places, new words
  expect(await market.round(memoryless)).toMatchObject({ records: 3007 })
  expect(await market.round(cursors)).toMatchObject({ records: 10, news: 0 })
  expect(await market.round(cursors)).toMatchObject({ records: 0 })
  expect(market.ours.size).toBe(3007)
})

test('places are kept over a restart of this node, and mean nothing after one of the peer', async () => {
  const market = largeMarket(100)
  const folder = await mkdtemp(join(tmpdir(), 'cn-cursors-'))
  const before = await openCursors(undefined, folder)
  expect(await market.round(before.cursors)).toMatchObject({ records: 100 })
  await before.close()
  const { cursors } = await openCursors(undefined, folder)
  market.add(100, 101)
  expect(await market.round(cursors)).toMatchObject({ records: 1, news: 1 })
  market.restart()
  market.add(101, 102)
  expect(await market.round(cursors)).toMatchObject({ records: 102, news: 1 })
  expect(await market.round(cursors)).toMatchObject({ records: 0 })
})

test('a peer that says it has nothing new is believed for an hour, not longer', async () => {
  const clock = { nowMs: NOW_MS }
  const { cursors } = await openCursors(clock)
  const orders = new OrderBook((peer) => peer)
  const lying: Answer = ({ cursor }) =>
    cursor === undefined ? { records: [record(1)], resume: next } : { records: [], resume: next }
  expect(await visit(bookOf(orders), cursors, lying).done).toBe(1)
  for (const minutes of [10, 30, 59]) {
    clock.nowMs = NOW_MS + minutes * 60_000
    const { turns, done } = visit(bookOf(orders), cursors, lying)
    await done
    expect(turns).toMatchObject([{ cursor: next }])
  }
  clock.nowMs = NOW_MS + hoursMs(1)
  const { turns, done } = visit(bookOf(orders), cursors, lying)
  await done
  expect(turns[0]?.cursor).toBeUndefined()
})

test('a book beyond the byte budget is read on at the next visit, not again', async () => {
  const { cursors } = await openCursors()
  const book = bookOf(new OrderBook((peer) => peer))
  const page = Array.from({ length: 1000 }, () => record(1))
  const endless: Answer = ({ cursor }) => ({
    records: page,
    next: Uint8Array.of((cursor?.[0] ?? 0) + 1),
  })
  const first = visit(book, cursors, endless)
  await first.done
  expect(first.turns.length * 1000 * page[0]!.length).toBeGreaterThan(16 * MiB)
  const { turns, done } = visit(book, cursors, () => ({ records: [] }))
  await done
  expect(turns).toMatchObject([{ cursor: Uint8Array.of(first.turns.length) }])
})

test('what was ignored under another judgement is asked for again; nobody is asked while nothing can be taken', async () => {
  const { cursors } = await openCursors()
  let judgement: string | undefined
  const book = { ...bookOf(new OrderBook((peer) => peer)), judgement: () => judgement }
  const answer: Answer = () => ({ records: [record(1)], resume: next })
  const asked = async () => {
    const { turns, done } = visit(book, cursors, answer)
    await done
    return turns.map(({ cursor }) => cursor?.[0])
  }
  expect(await asked()).toEqual([])
  judgement = 'alice'
  expect(await asked()).toEqual([undefined])
  expect(await asked()).toEqual([1])
  judgement = 'alice and bob'
  expect(await asked()).toEqual([undefined])
  expect(await asked()).toEqual([1])
})

test('the same few peers are asked, those who left are replaced, and one is exchanged now and then', () => {
  const all = ['a', 'b', 'c', 'd', 'e']
  expect(nextPartners(['a', 'b', 'c'], all, false)).toEqual(['a', 'b', 'c'])
  const replaced = nextPartners(['a', 'b', 'c'], ['a', 'c', 'd'], false)
  expect(replaced).toEqual(['a', 'c', 'd'])
  for (let i = 0; i < 20; i++) {
    const exchanged = nextPartners(['a', 'b', 'c'], all, true)
    expect(exchanged.slice(0, 2)).toEqual(['b', 'c'])
    expect(['d', 'e']).toContain(exchanged[2])
  }
  expect(nextPartners(['a'], ['a'], true)).toEqual(['a'])
  expect(nextPartners([], [], true)).toEqual([])
})
