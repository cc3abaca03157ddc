import { expect, test, vi } from 'vitest'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import type { RentOrder } from '../../../src/node/leases/rent-lease.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import {
  freshKey,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  take,
  tempFolder,
} from '../../support/lease-market.ts'

const until = (done: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(done()).toBe(true), { timeout: 30_000, interval: 20 })

/** A market whose renter can be cut off and comes back from the same folder. */
async function shortCredit(order: Partial<RentOrder> = {}, graceMs = 60_000) {
  const engine = new FakeEngine()
  const ledger = new FakeLedger()
  const minerFolder = await tempFolder()
  const host = { key: freshKey(), ledger, engine, folder: minerFolder, endOnStop: false }
  const book = { creditMs: 600, graceMs }
  const miner = await startMiner({ ...host, book })
  const folder = await tempFolder()
  const key = freshKey()
  const renter = await startRenter({ key, ledger, miners: [miner], folder })
  ledger.grant(key, 10_000_000n)
  const now = await take(renter, orderOf(miner, order))
  await until(() => now.lease.state === 'ACTIVE' && now.lease.acknowledgedSeq > 0)
  // What the renter has signed the miner has, too: nothing of it is handed over later.
  const acknowledged = () => miner.book.live.get(now.id)!.lease.acknowledgedSeq
  await until(() => acknowledged() === now.lease.acknowledgedSeq)
  return {
    ...{ engine, ledger, miner, renter, now },
    hosted: () => miner.book.live.get(now.id)!,
    container: () => engine.containers.get(now.id)!,
    back: () => startRenter({ key, ledger, miners: [miner], folder }),
    minerAgain: () => startMiner({ ...host, book }),
  }
}

const names = (events: () => readonly { event: string }[]): string[] =>
  events().map(({ event }) => event)

test('a renter that is away is warned of, its lease paused unbilled, and goes on when it is back', async () => {
  const { miner, renter, now, hosted, container, back, ledger } = await shortCredit()
  await renter.stop()
  await until(() => hosted().lease.state === 'GRACE')
  expect(container().state).toBe('running')
  await until(() => hosted().lease.state === 'SUSPENDED')
  await until(() => container().state === 'paused')
  const { cumulative, meter } = hosted().lease
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(hosted().lease).toMatchObject({ cumulative, meter: { seq: meter!.seq } })
  expect(hosted().lease.health).toBe('ok')

  const again = await back()
  const mine = () => again.book.live.get(now.id)!.lease
  await until(() => hosted().lease.state === 'ACTIVE' && container().state === 'running')
  await until(() => mine().state === 'ACTIVE' && mine().acknowledgedSeq > meter!.seq)
  const session = await openSession(
    again.book,
    { leaseId: now.lease.leaseId, miner: miner.key.peerId },
    { kind: 'exec', command: ['true'], tty: false, env: {} },
    AbortSignal.timeout(10_000),
  )
  session.abort?.(new Error('enough'))
  expect(names(miner.events)).toEqual(
    expect.arrayContaining(['lease-grace', 'lease-suspended', 'lease-resumed']),
  )
  expect(names(again.events)).toEqual(expect.arrayContaining(['lease-suspended', 'lease-resumed']))
  await stopLease(again, again.book.live.get(now.id)!)
  await until(() => !again.book.live.has(now.id))
  expect(ledger.total()).toBe(10_000_000n)
})

test('whoever does not come back ends the lease: its own doing, and the miner gets what was signed', async () => {
  const { miner, renter, now, hosted, engine, ledger } = await shortCredit({}, 300)
  await renter.stop()
  await until(() => hosted().lease.state === 'CLOSING')
  const { ending, acknowledged, cumulative } = hosted().lease
  expect(ending).toMatchObject({ outcome: 'failed', code: 'credit' })
  await until(() => engine.containers.size === 0 && miner.book.capacity.free().length === 1)
  // What nobody signed for: the credit, and what passes between two looks.
  expect(BigInt(cumulative) - BigInt(acknowledged)).toBeLessThan(600n + 1500n)
  expect(miner.events().findLast(({ event }) => event === 'lease-ended')).toMatchObject({
    ...{ id: now.id, code: 'credit', fault: 'renter' },
  })
  expect(await miner.book.payers.get(renter.key.peerId)).toBeUndefined()
  expect(ledger.total()).toBe(10_000_000n)
})

test('within the prepaid window a renter may be away: the lease runs on, and the miner is covered', async () => {
  const { renter, now, hosted, back, ledger, miner } = await shortCredit({ prepaidMs: 3000 })
  await until(() => hosted().lease.advance !== undefined)
  await renter.stop()
  const at = BigInt(hosted().lease.acknowledged)
  await until(() => BigInt(hosted().lease.cumulative) > at + 1300n) // twice the credit
  expect(hosted().lease.state).toBe('ACTIVE')
  const again = await back()
  await until(() => BigInt(hosted().lease.acknowledged) > at + 1300n)
  await stopLease(again, again.book.live.get(now.id)!)
  await until(() => !again.book.live.has(now.id))
  const lease = (await again.book.records.get(now.id))!
  expect(lease).toMatchObject({ state: 'SETTLED', settled: lease.cumulative })
  expect(lease.dispute).toBeUndefined()
  expect(ledger.balance(miner.key)).toBe(BigInt(lease.cumulative))
})

test('a miner that takes more of an advance than its receipts say is found out, and that is kept', async () => {
  const { renter, now, hosted, miner } = await shortCredit({ prepaidMs: 20_000 })
  await until(() => hosted().lease.advance !== undefined)
  const { leaseId, advance } = hosted().lease
  const limit = BigInt(advance!.limit)
  const claim = { advance: { leaseId, limit, signature: advance!.signature }, cumulative: limit }
  await miner.book.rail!.escrow.settle(leaseId, claim)
  await stopLease(renter, now)
  await until(() => !renter.book.live.has(now.id))
  const lease = (await renter.book.records.get(now.id))!
  expect(lease.settled).toBe(limit.toString())
  expect(lease.dispute).toMatchObject({ code: 'PEER_OVERCLAIMED' })
  expect(names(renter.events)).toContain('lease-disputed')
})

test('an advance that is forged or above the cap covers nothing', async () => {
  const { renter, now, hosted } = await shortCredit()
  const { receiptsProtocol } = await import('../../../src/protocols/receipts.ts')
  const { leaseId } = now.lease
  const { escrow } = renter.book.rail!
  const send = (limit: bigint, signature: Uint8Array) =>
    renter.peer.rpc.ask(receiptsProtocol, now.terms.miner, {
      ...{ leaseId, have: 10_000, waitMs: 0 },
      advance: { limit: limit.toString(), signature },
    })
  const refused = expect.objectContaining({ code: 'BAD_MESSAGE' })
  await expect(send(5000n, escrow.signAdvance(leaseId, 4999n))).rejects.toEqual(refused)
  const above = BigInt(now.terms.cap) + 1n
  await expect(send(above, escrow.signAdvance(leaseId, above))).rejects.toEqual(refused)
  expect(hosted().lease.advance).toBeUndefined()
  await send(5000n, escrow.signAdvance(leaseId, 5000n))
  expect(hosted().lease.advance?.limit).toBe('5000')
})

test('a suspended lease survives its miner’s restart: still paused, still unbilled, and goes on', async () => {
  const { renter, miner, now, hosted, container, minerAgain } = await shortCredit()
  renter.book.lifetime.abort(new Error('the lid is closed'))
  await until(() => hosted().lease.state === 'SUSPENDED' && container().state === 'paused')
  await miner.kill()
  await container().resume() // as an engine's restart may do
  const second = await minerAgain()
  const there = () => second.book.live.get(now.id)!
  await until(() => container().state === 'paused')
  expect(there().lease.state).toBe('SUSPENDED')
  const { upMs } = there().lease.meter!
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(there().lease.meter!.upMs).toBe(upMs)
  expect(isOver(there().lease)).toBe(false)
})

test('neither clock of a miner or renter that is set costs a lease or its time', async () => {
  const engine = new FakeEngine()
  const ledger = new FakeLedger()
  const skew = { miner: 0, renter: 0 }
  const nowMs = () => Date.now() + skew.miner
  const miner = await startMiner({ key: freshKey(), ledger, engine, book: { nowMs } })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  Object.assign(renter.book, { nowMs: () => Date.now() + skew.renter })
  ledger.grant(renter.key, 10_000_000n)
  const now = await take(renter, orderOf(miner, { durationMs: 600_000 }))
  const more = async () => {
    const { acknowledgedSeq } = now.lease
    await until(() => now.lease.acknowledgedSeq >= acknowledgedSeq + 2)
  }
  await more()
  for (const setMs of [-7_200_000, 7_200_000, 0]) {
    skew.renter = setMs
    await more()
    skew.miner = setMs
    await more()
  }
  expect(now.lease).toMatchObject({ state: 'ACTIVE' })
  expect(now.lease.dispute).toBeUndefined()
  // Hours were set forth and back: seconds are billed.
  expect(now.lease.meter.upMs).toBeLessThan(60_000)
  await stopLease(renter, now)
})
