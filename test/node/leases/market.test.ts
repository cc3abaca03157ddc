import { expect, test } from 'vitest'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { hexOf } from '../../../src/node/leases/lease-records.ts'
import { type RentOrder, rentLease, stopRequest } from '../../../src/node/leases/rent-lease.ts'
import { follow } from '../../../src/node/services/rent.ts'
import { leaseProtocol } from '../../../src/protocols/lease.ts'
import { verifyReceiptChain } from '../../../src/protocols/receipt-chain.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import { net } from '../../support/lease.ts'
import {
  freshKey,
  startMiner,
  startRenter,
  type TestMiner,
  type TestRenter,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'
import { execIn } from '../../support/session.ts'

async function market() {
  const engine = new FakeEngine()
  const ledger = new FakeLedger()
  const miner = await startMiner({ key: freshKey(), ledger, engine })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(renter.key, 10_000_000n)
  return { engine, ledger, miner, renter }
}

const order = (miner: TestMiner, changes: Partial<RentOrder> = {}): RentOrder => ({
  offer: miner.offer(),
  image: 'busybox:1.37',
  durationMs: 60_000,
  ...changes,
})

/** Rents and follows, as the node does. */
async function take(renter: TestRenter, what: RentOrder) {
  const now = await rentLease(renter.book, what)
  follow(renter.book, now)
  return now
}

const stopped = (renter: TestRenter, now: Awaited<ReturnType<typeof take>>) =>
  renter.book.rpc.ask(leaseProtocol, now.terms.miner, stopRequest(now, 'done'))

test('a lease from request to settlement: command, receipts, money', async () => {
  const { engine, ledger, miner, renter } = await market()
  const now = await take(renter, order(miner))
  const { leaseId } = now.lease
  const ran = await execIn({ renter, leaseId, miner: miner.key.peerId, command: ['echo', 'hi'] })
  expect(ran).toEqual({ stdout: 'hi\n', stderr: '', exitCode: 0 })
  const failed = await execIn({ renter, leaseId, miner: miner.key.peerId, command: ['fail', '7'] })
  expect(failed).toEqual({ stdout: '', stderr: 'it failed\n', exitCode: 7 })
  await until(() => now.lease.acknowledgedSeq >= 2)
  expect(now.lease).toMatchObject({ state: 'ACTIVE', health: 'ok', engine: 'fake engine' })
  await stopped(renter, now)
  await until(() => isOver(now.lease))
  expect(engine.containers.size).toBe(0)
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
  expect(now.lease).toMatchObject({
    state: 'SETTLED',
    ending: { outcome: 'ended', reason: 'done' },
  })
  const hosted = await miner.book.records.get(now.id)
  expect(hosted).toMatchObject({ state: 'SETTLED', settled: now.lease.settled })
  const paid = BigInt(now.lease.settled!)
  expect(paid).toBe(BigInt(now.lease.cumulative))
  expect(paid).toBeGreaterThan(0n)
  expect(ledger.balance(miner.key)).toBe(paid)
  expect(ledger.total()).toBe(10_000_000n)
  const receipts = await renter.book.records.receipts(now.id, 0, 1000)
  const { minerTerms, renterTerms, countersigned } = now.lease
  const file = { minerTerms, renterTerms, receipts, countersigned }
  expect(verifyReceiptChain(net, file)).toMatchObject({ acknowledged: paid, claimed: paid })
  expect(hexOf(verifyReceiptChain(net, file).leaseId)).toBe(now.id)
})
