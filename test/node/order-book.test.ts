import { expect, test } from 'vitest'
import { BOOK_LIMITS, OrderBook } from '../../src/node/order-book.ts'
import { sealOffer, sealWithdrawal, withdrawalOf } from '../../src/protocols/offers.ts'
import { NOW_MS, offerOf, testKey, testNet } from '../support/market.ts'
import { randomFrom } from '../support/random.ts'

const net = testNet()
const [alice, bob] = [testKey(1), testKey(2)]
const offer = (change: object = {}, key = alice) => sealOffer(net, key, offerOf(key, change))
const withdrawal = (change: object = {}, key = alice) =>
  sealWithdrawal(net, key, { ...withdrawalOf(offerOf(key), NOW_MS), ...change })
const bookOf = (limits = BOOK_LIMITS) => new OrderBook((peer) => peer, limits)
const ids = (book: OrderBook, nowMs = NOW_MS) => book.offers(nowMs).map((o) => o.payload.seq)

test('an accepted offer stands until its expiry', () => {
  const book = bookOf()
  expect(book.admit(offer(), NOW_MS)).toMatchObject({
    verdict: 'accept',
    isNews: true,
    put: { key: `live/${alice.peerId}/0` },
  })
  expect(ids(book)).toEqual([NOW_MS])
  expect(ids(book, NOW_MS + 600_000)).toEqual([])
})

test('a repetition expires later and is no news', () => {
  const book = bookOf()
  book.admit(offer(), NOW_MS)
  const again = offer({ issuedAtMs: NOW_MS + 60_000, expiresAtMs: NOW_MS + 660_000 })
  expect(book.admit(again, NOW_MS + 60_000)).toMatchObject({ verdict: 'accept', isNews: false })
  expect(ids(book, NOW_MS + 600_001)).toHaveLength(1)
})

test.each<[string, object, object]>([
  ['an older sequence', { seq: NOW_MS - 1 }, { ignore: 'a newer one stands' }],
  ['the same record', {}, { ignore: 'a newer one stands' }],
  ['an earlier expiry', { expiresAtMs: NOW_MS + 500_000 }, { ignore: 'a newer one stands' }],
  [
    'another price under the same sequence',
    { dph: '9', expiresAtMs: NOW_MS + 700_000 },
    { ignore: 'it changed without a new sequence' },
  ],
])('%s does not replace what stands', (_, change, verdict) => {
  const book = bookOf()
  book.admit(offer(), NOW_MS)
  expect(book.admit(offer(change), NOW_MS).verdict).toEqual(verdict)
  expect(book.offers(NOW_MS)[0]?.payload.dph).toBe('0.1')
})

test.each<[string, object, string]>([
  ['expired', { issuedAtMs: NOW_MS - 60_000, expiresAtMs: NOW_MS }, 'expired'],
  ['from the future', { issuedAtMs: NOW_MS + 31_000 }, 'issued in the future'],
  ['with a sequence ahead of time', { seq: NOW_MS + 121_000 }, 'its sequence is ahead of time'],
])('an offer %s is ignored, not punished', (_, change, ignore) =>
  expect(bookOf().admit(offer(change), NOW_MS).verdict).toEqual({ ignore }),
)

test('who may not publish is ignored', () => {
  const book = new OrderBook(() => undefined)
  const verdict = { ignore: 'not bound to a registered hotkey' }
  expect(book.admit(offer(), NOW_MS).verdict).toEqual(verdict)
  expect(book.withdraw(withdrawal(), NOW_MS).verdict).toEqual(verdict)
  expect(book.knows(offer().id)).toBe(false) // once it is bound, sync brings it
})

test('a withdrawal ends its offer, and every copy that still travels', () => {
  const book = bookOf()
  book.admit(offer(), NOW_MS)
  expect(book.withdraw(withdrawal(), NOW_MS)).toMatchObject({
    verdict: 'accept',
    remove: [`live/${alice.peerId}/0`],
  })
  expect(ids(book)).toEqual([])
  const copy = offer({ expiresAtMs: NOW_MS + 600_000 - 1 })
  expect(book.admit(copy, NOW_MS).verdict).toEqual({ ignore: 'withdrawn' })
  expect(book.admit(offer({ seq: NOW_MS + 1 }), NOW_MS).verdict).toBe('accept')
})

test('a withdrawal that comes first stops the offer that comes after', () => {
  const book = bookOf()
  expect(book.withdraw(withdrawal(), NOW_MS).verdict).toBe('accept')
  expect(book.admit(offer(), NOW_MS).verdict).toEqual({ ignore: 'withdrawn' })
  expect(book.withdraw(withdrawal(), NOW_MS).verdict).toEqual({
    ignore: 'a newer withdrawal is known',
  })
})

test('a withdrawal of an old offer leaves the newer one standing', () => {
  const book = bookOf()
  book.admit(offer({ seq: NOW_MS + 1 }), NOW_MS)
  expect(book.withdraw(withdrawal(), NOW_MS)).toMatchObject({ verdict: 'accept', remove: [] })
  expect(ids(book)).toEqual([NOW_MS + 1])
})

test('sweeping forgets the expired, and tombstones after the skew', () => {
  const book = bookOf()
  book.admit(offer(), NOW_MS)
  book.withdraw(withdrawal({}, bob), NOW_MS)
  const later = NOW_MS + 600_000
  expect(book.sweep(later)).toMatchObject({
    expired: [{ payload: { peerId: alice.peerId } }],
    remove: [`live/${alice.peerId}/0`],
  })
  expect(book.withdrawals()).toHaveLength(1)
  expect(book.knows(offer().id)).toBe(true)
  expect(book.sweep(later + 30_000).remove).toEqual([`gone/${bob.peerId}/0`])
  expect(book.knows(offer().id)).toBe(false)
  expect(book.size).toBe(0)
})

test('tombstones of nothing are bounded and keep nobody from withdrawing what stands', () => {
  const book = bookOf({ ...BOOK_LIMITS, tombstones: 2 })
  book.admit(offer(), NOW_MS)
  const flood = [0, 1, 2, 3].map((lot) => book.withdraw(withdrawal({ lot }, bob), NOW_MS).verdict)
  expect(flood).toEqual(['accept', 'accept', { ignore: 'quota' }, { ignore: 'quota' }])
  expect(book.withdraw(withdrawal(), NOW_MS).verdict).toBe('accept')
  expect(book.offers(NOW_MS)).toEqual([])
})

test('one owner has at most 16 live offers, over all of its peers', () => {
  const book = new OrderBook(() => 'one hotkey')
  for (let lot = 0; lot < 16; lot++)
    expect(book.admit(offer({ lot }), NOW_MS).verdict).toBe('accept')
  expect(book.admit(offer({}, bob), NOW_MS).verdict).toEqual({ ignore: 'quota' })
  book.withdraw(withdrawal({ lot: 3 }), NOW_MS)
  expect(book.admit(offer({}, bob), NOW_MS).verdict).toBe('accept')
})

test('a full book makes room by taking from whoever has most, and never from the small', () => {
  const limits = { ...BOOK_LIMITS, offers: 8 }
  const book = bookOf(limits)
  book.admit(offer({ expiresAtMs: NOW_MS + 1000, issuedAtMs: NOW_MS }), NOW_MS) // the next to expire: honest alice
  for (let lot = 0; lot < 7; lot++) book.admit(offer({ lot }, bob), NOW_MS)
  expect(book.admit(offer({ lot: 8 }, bob), NOW_MS).verdict).toEqual({ ignore: 'quota' })
  const carol = testKey(3)
  expect(book.admit(offer({}, carol), NOW_MS)).toMatchObject({
    verdict: 'accept',
    remove: [`live/${bob.peerId}/0`],
  })
  const owners = book.offers(NOW_MS).map((o) => o.payload.peerId)
  expect(owners).toContain(alice.peerId)
  expect(owners).toHaveLength(8)
})

test('the same records in any order leave the same book', () => {
  const random = randomFrom(7)
  const records = [0, 1, 2, 3].flatMap((i) => [
    offer({ seq: NOW_MS + i }),
    offer({ seq: NOW_MS + i, expiresAtMs: NOW_MS + 700_000 }),
    offer({ seq: NOW_MS + i }, bob),
    withdrawal({ seq: NOW_MS + i - 2 }, i % 2 === 0 ? alice : bob),
  ])
  const states = new Set<string>()
  for (let round = 0; round < 60; round++) {
    const book = bookOf()
    for (const record of records
      .map((r) => [random(), r] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([, r]) => r)) {
      if ('devices' in record.payload) book.admit(record as ReturnType<typeof offer>, NOW_MS)
      else book.withdraw(record as ReturnType<typeof withdrawal>, NOW_MS)
    }
    states.add(
      JSON.stringify(
        book
          .offers(NOW_MS)
          .map((o) => [o.payload.peerId, o.payload.seq, o.payload.expiresAtMs])
          .toSorted(),
      ),
    )
  }
  expect([...states]).toHaveLength(1)
})
