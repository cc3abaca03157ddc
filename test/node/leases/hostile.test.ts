import { expect, test } from 'vitest'
import { followLease } from '../../../src/node/leases/follow-lease.ts'
import { dropQuotes } from '../../../src/node/leases/host-answers.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { hexOf } from '../../../src/node/leases/lease-records.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { escrowExpiryMs, rentLease } from '../../../src/node/leases/rent-lease.ts'
import { settleAll } from '../../../src/node/services/settle.ts'
import { type LeaseResponse, leaseProtocol } from '../../../src/protocols/lease.ts'
import { openReceipt, receiptsProtocol, sealReceipt } from '../../../src/protocols/receipts.ts'
import { channels, controlToRenter } from '../../../src/protocols/session.ts'
import { leaseIdOf, openTerms, sealTerms } from '../../../src/protocols/terms.ts'
import { net } from '../../support/lease.ts'
import {
  freshKey,
  market,
  orderOf,
  startRenter,
  stopLease,
  type TestMiner,
  type TestRenter,
  take,
} from '../../support/lease-market.ts'
import { testNet } from '../../support/market.ts'
import { until } from '../../support/peers.ts'
import { execIn } from '../../support/session.ts'

const ask = (
  who: TestRenter,
  miner: TestMiner,
  request: Parameters<typeof leaseProtocol.request.encode>[0],
) => who.peer.rpc.ask(leaseProtocol, miner.key.peerId, request)

const refused = (code: string) => expect.objectContaining({ code })

/** A market with a third party that no lease names. */
async function withStranger() {
  const all = await market()
  const stranger = await startRenter({ key: freshKey(), ledger: all.ledger, miners: [all.miner] })
  all.ledger.grant(stranger.key, 10_000_000n)
  return { ...all, stranger }
}

const quoteFor = async (who: TestRenter, miner: TestMiner): Promise<Uint8Array> => {
  const answer: LeaseResponse = await ask(who, miner, {
    kind: 'reserve',
    offer: miner.offer().bytes,
    nonce: new Uint8Array(16),
    durationMs: 60_000,
    image: 'busybox:1.37',
    authorized: [],
  })
  if (answer.kind !== 'quote') throw new Error('no quote')
  return answer.terms
}

test('a stranger can neither enter, watch, stop nor meter a lease; whom it authorizes can', async () => {
  const { miner, renter, stranger } = await withStranger()
  const friend = await startRenter({ key: freshKey(), miners: [miner] })
  const now = await take(renter, orderOf(miner, { authorized: [friend.key.peerId] }))
  const { leaseId } = now.lease
  const command = ['echo', 'in']
  const enter = (who: TestRenter) =>
    execIn({ renter: who, leaseId, miner: miner.key.peerId, command })
  await expect(enter(stranger)).rejects.toMatchObject({ code: 'REFUSED_NOT_AUTHORIZED' })
  expect((await enter(friend)).stdout).toBe('in\n')
  const denied = refused('REFUSED_NOT_AUTHORIZED')
  await expect(ask(stranger, miner, { kind: 'status', leaseId })).rejects.toEqual(denied)
  for (const who of [stranger, friend]) {
    await expect(stopLease(who, now)).rejects.toEqual(denied)
    const request = { leaseId, have: 0, waitMs: 0 }
    const fetched = who.peer.rpc.ask(receiptsProtocol, miner.key.peerId, request)
    await expect(fetched).rejects.toEqual(denied)
  }
  expect(now.lease.state).not.toBe('CLOSING')
  const unknown = new Uint8Array(32).fill(9)
  await expect(
    ask(stranger, miner, { kind: 'stop', leaseId: unknown, reason: '' }),
  ).rejects.toEqual(refused('REFUSED_UNKNOWN_LEASE'))
})

test('terms are accepted only as quoted, by whom they name, on this network', async () => {
  const { engine, miner, renter, stranger } = await withStranger()
  const quote = openTerms(net, await quoteFor(renter, miner), 'miner').payload
  const accept = (who: TestRenter, terms: Uint8Array) => ask(who, miner, { kind: 'accept', terms })
  const good = sealTerms(net, renter.key, quote).bytes
  await expect(accept(stranger, good)).rejects.toEqual(refused('REFUSED_NOT_AUTHORIZED'))
  const cheaper = sealTerms(net, renter.key, { ...quote, pricePerHour: '1' }).bytes
  await expect(accept(renter, cheaper)).rejects.toEqual(refused('REFUSED_UNKNOWN_LEASE'))
  const stolen = sealTerms(net, stranger.key, quote).bytes
  await expect(accept(stranger, stolen)).rejects.toEqual(refused('BAD_MESSAGE'))
  const foreign = sealTerms(testNet(2), renter.key, quote).bytes
  await expect(accept(renter, foreign)).rejects.toEqual(refused('BAD_MESSAGE'))
  await expect(accept(renter, new Uint8Array(50))).rejects.toEqual(refused('BAD_MESSAGE'))
  expect(engine.containers.size).toBe(0)
})

test('an accept that is replayed starts nothing again, running or over', async () => {
  const { engine, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.state === 'ACTIVE')
  const replay = () =>
    ask(renter, miner, { kind: 'accept', terms: now.lease.renterTerms }) as Promise<
      Extract<LeaseResponse, { kind: 'status' }>
    >
  expect((await replay()).status.state).toBe('ACTIVE')
  expect(engine.containers.size).toBe(1)
  await stopLease(renter, now)
  await until(() => isOver(now.lease))
  expect((await replay()).status.state).toBe('SETTLED')
  expect(engine.containers.size).toBe(0)
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
})

test('a quote holds capacity only until it lapses, and a peer holds one at most', async () => {
  const { miner, renter, stranger } = await withStranger()
  const first = openTerms(net, await quoteFor(stranger, miner), 'miner').payload
  expect(miner.book.capacity.free()).toEqual([])
  await expect(rentLease(renter.book, orderOf(miner))).rejects.toEqual(
    refused('REFUSED_NO_CAPACITY'),
  )
  const second = openTerms(net, await quoteFor(stranger, miner), 'miner').payload
  expect(miner.book.live.has(hexOf(leaseIdOf(net, first)))).toBe(false)
  expect(miner.book.live.size).toBe(1)
  const late = sealTerms(net, stranger.key, second).bytes
  const held = miner.book.live.get(hexOf(leaseIdOf(net, second)))!
  Object.assign(held.terms, { acceptByMs: Date.now() - 1 })
  await take(renter, orderOf(miner))
  await expect(ask(stranger, miner, { kind: 'accept', terms: late })).rejects.toEqual(
    refused('REFUSED_UNKNOWN_LEASE'),
  )
})

test('a quote that is dropped while it is being accepted gets no device', async () => {
  const { engine, miner, renter } = await market()
  const terms = openTerms(net, await quoteFor(renter, miner), 'miner').payload
  const id = hexOf(leaseIdOf(net, terms))
  const gate = Promise.withResolvers<void>()
  const busy = miner.book.locks.run(id, () => gate.promise)
  const dropped = dropQuotes(miner.book, () => true)
  const accepted = ask(renter, miner, {
    kind: 'accept',
    terms: sealTerms(net, renter.key, terms).bytes,
  })
  const refusal = expect(accepted).rejects.toEqual(refused('REFUSED_UNKNOWN_LEASE'))
  // Answered after the accept came in, for it travels on the same stream.
  await expect(
    ask(renter, miner, { kind: 'status', leaseId: new Uint8Array(32) }),
  ).rejects.toBeDefined()
  gate.resolve()
  await Promise.all([busy, dropped, refusal])
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
  expect(engine.containers.size).toBe(0)
})

test('offers that are not this miner’s, expired or forged get no quote', async () => {
  const { miner, renter } = await market()
  const other = { ...miner, key: freshKey() }
  const reserve = (offer: Uint8Array) =>
    ask(renter, miner, {
      kind: 'reserve',
      offer,
      nonce: new Uint8Array(16),
      durationMs: 60_000,
      image: 'busybox:1.37',
      authorized: [],
    })
  const old = miner.offer({ issuedAtMs: 1, expiresAtMs: 2 }).bytes
  await expect(reserve(old)).rejects.toEqual(refused('REFUSED_OFFER_GONE'))
  const forged = Uint8Array.from(miner.offer().bytes)
  forged[forged.length - 1]! ^= 1
  await expect(reserve(forged)).rejects.toEqual(refused('BAD_MESSAGE'))
  const { sealOffer } = await import('../../../src/protocols/offers.ts')
  const foreign = sealOffer(net, other.key, miner.offer().payload).bytes
  await expect(reserve(foreign)).rejects.toEqual(refused('BAD_MESSAGE'))
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
})

test('a countersignature that is forged, of another receipt or without its voucher counts for nothing', async () => {
  const { miner, renter, stranger } = await withStranger()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 2)
  renter.book.lifetime.abort(new Error('the test speaks from here on'))
  await now.followed
  const hosted = miner.book.live.get(now.id)!
  const there = hosted.lease.meter!.seq
  await until(() => hosted.lease.meter!.seq > there + 1)
  const seen = hosted.lease.acknowledgedSeq
  const { leaseId } = now.lease
  const [newest] = await miner.book.records.receipts(now.id, seen + 1, 1)
  const { payload } = openReceipt(net, newest!, miner.key.publicKey)
  const send = (countersigned: Uint8Array, voucher?: Uint8Array) =>
    renter.peer.rpc.ask(receiptsProtocol, miner.key.peerId, {
      leaseId,
      have: 0,
      waitMs: 0,
      countersigned,
      ...(voucher === undefined ? {} : { voucher }),
    })
  const bad = refused('BAD_MESSAGE')
  await expect(send(sealReceipt(net, stranger.key, payload).bytes)).rejects.toEqual(bad)
  const cheaper = sealReceipt(net, renter.key, { ...payload, cumulative: '0' }).bytes
  await expect(send(cheaper)).rejects.toEqual(bad)
  const good = sealReceipt(net, renter.key, payload).bytes
  await expect(send(good)).rejects.toEqual(bad)
  const wrong = renter.book.rail!.escrow.signVoucher(leaseId, BigInt(payload.cumulative) - 1n)
  await expect(send(good, wrong)).rejects.toEqual(bad)
  expect(hosted.lease.acknowledgedSeq).toBe(seen)
  await send(good, renter.book.rail!.escrow.signVoucher(leaseId, BigInt(payload.cumulative)))
  expect(hosted.lease.acknowledgedSeq).toBe(payload.seq)
})

test('a miner that inflates its receipts is stopped and gets what was signed before', async () => {
  const { ledger, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  const hosted = miner.book.live.get(now.id)!
  await miner.book.locks.run(now.id, async () => {
    hosted.lease = { ...hosted.lease, meter: { ...hosted.lease.meter!, upMs: 50_000 } }
  })
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({ state: 'FAILED', ending: { outcome: 'failed' } })
  expect(now.lease.ending?.reason).toMatch(/claims 5\d{4} ms/)
  await until(() => hosted.lease.state === 'CLOSING')
  expect(BigInt(hosted.lease.acknowledged)).toBeLessThan(50_000n)
  expect(ledger.balance(miner.key)).toBe(0n)
  await expect(followLease(renter.book, now)).resolves.toBeUndefined()
  // The miner may still claim what was signed; what it leaves is taken back when the escrow expires.
  await settleAll(renter.book)
  expect((await renter.book.records.get(now.id))?.escrow).toBe('open')
  const later = escrowExpiryMs(now.terms) + 1
  await settleAll({ ...renter.book, nowMs: () => later })
  expect(await renter.book.records.get(now.id)).toMatchObject({ escrow: 'closed', settled: '0' })
  expect(ledger.balance(renter.key)).toBe(10_000_000n)
})

test('a session that sends what it must not is ended, and its command killed', async () => {
  const { engine, miner, renter } = await market()
  const { leaseId } = (await take(renter, orderOf(miner))).lease
  const at = { leaseId, miner: miner.key.peerId }
  const request = { kind: 'exec' as const, command: ['sleep'], tty: false, env: {} }
  const sent: [number, Uint8Array][] = [
    [channels.stdout, new Uint8Array(10)],
    [channels.control, new Uint8Array(10)],
    [channels.control, controlToRenter.encode({ kind: 'exit', exitCode: 0 })],
    [9, new Uint8Array(10)],
  ]
  for (const [channel, data] of sent) {
    const session = await openSession(renter.book, at, request, new AbortController().signal)
    await session.send(channel, data)
    const rest = (async () => {
      for await (const frame of session.frames()) void frame
    })()
    await expect(rest).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  }
  expect(engine.signals.filter((signal) => signal === 'SIGHUP')).toHaveLength(sent.length)
  const tall = { ...request, env: { A: 'x'.repeat(70_000) } }
  await expect(
    openSession(renter.book, at, tall, new AbortController().signal),
  ).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
})

test('messages that are too large or too many are refused, and the lease goes on', async () => {
  const { miner, renter, stranger } = await withStranger()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.state === 'ACTIVE')
  const large = { kind: 'accept' as const, terms: new Uint8Array(200_000) }
  expect(() => leaseProtocol.request.encode(large)).toThrow(/allowed|at most/)
  const many = Array.from({ length: 400 }, () =>
    ask(stranger, miner, { kind: 'status', leaseId: now.lease.leaseId }).catch(
      (error: { code: string }) => error.code,
    ),
  )
  const codes = new Set(await Promise.all(many))
  expect([...codes].toSorted()).toEqual(['REFUSED_NOT_AUTHORIZED', 'REFUSED_QUOTA'])
  const before = now.lease.acknowledgedSeq
  await until(() => now.lease.acknowledgedSeq > before)
})
