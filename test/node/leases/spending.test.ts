import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { newRentedLease } from '../../../src/node/leases/rent-book.ts'
import { rentLease } from '../../../src/node/leases/rent-lease.ts'
import { mostOf, openSpending } from '../../../src/node/leases/spending.ts'
import { followAll } from '../../../src/node/services/rent.ts'
import { openStore } from '../../../src/node/store.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import { agreed, net } from '../../support/lease.ts'
import {
  freshKey,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  tempFolder,
} from '../../support/lease-market.ts'
import { NOW_MS } from '../../support/market.ts'

const DAY_MS = 86_400_000
const until = (done: () => boolean | Promise<boolean>): Promise<void> =>
  vi.waitFor(async () => expect(await done()).toBe(true), { timeout: 20_000, interval: 20 })

/** Caps of 0.06 DEV each. */
const leaseOf = (nonce: number) => {
  const lease = agreed({ renterNonce: new Uint8Array(16).fill(nonce) })
  return { ...lease, record: newRentedLease(net, lease.terms, lease, NOW_MS) }
}

test('a day’s cap holds what leases can still cost, by day, over restarts and side by side', async () => {
  const path = join(await tempFolder(), 'store')
  let store = await openStore(path)
  onTestFinished(() => store[Symbol.asyncDispose]())
  let nowMs = NOW_MS
  let cap: string | undefined = '0.15'
  const open = () =>
    openSpending(
      store,
      () => nowMs,
      () => cap,
    )
  let spending = open()
  const [first, second, third] = [leaseOf(1), leaseOf(2), leaseOf(3)]
  const refusal = expect.objectContaining({ code: 'REFUSED_SPENDING' })
  // Three at once: two fit.
  const tries = await Promise.allSettled(
    [first, second, third].map(({ leaseId, terms }) => spending.commit(leaseId, terms)),
  )
  expect(tries.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  await expect(spending.commit(third.leaseId, third.terms)).rejects.toThrow(
    'it can cost 0.06 DEV: of 0.15 DEV for today, 0.03 DEV are left',
  )
  await store[Symbol.asyncDispose]()
  store = await openStore(path)
  spending = open()
  const known = [first, second].map(({ record, terms }) => ({ lease: record, terms }))
  await spending.reconcile(known)
  await expect(spending.commit(third.leaseId, third.terms)).rejects.toEqual(refusal)
  // A cap that is raised counts at once, and a lower one of a single request still does.
  cap = undefined
  await spending.check('DEV', 60_000n)
  await expect(spending.check('DEV', 60_000n, '0.15')).rejects.toEqual(refusal)
  cap = '0.15'
  // The first ends and cost 0.01: what it could have cost beyond that is free again.
  const paid = { ...first.record, state: 'SETTLED' as const, cumulative: '10000', settled: '10000' }
  await spending.note(paid, first.terms)
  expect(await spending.today()).toMatchObject({
    day: '2025-06-15',
    items: [{ asset: 'DEV', spent: '0.01', committed: '0.07', cap: '0.15', left: '0.08' }],
  })
  // The second runs over midnight: what it cost before is not tomorrow's.
  const running = { ...second.record, cumulative: '40000' }
  await spending.note(running, second.terms)
  nowMs += DAY_MS
  expect((await spending.today()).items).toMatchObject([{ spent: '0', committed: '0.02' }])
  await spending.commit(third.leaseId, third.terms)
  // A commitment that came to no lease is forgotten at the next start.
  await spending.reconcile([
    { lease: paid, terms: first.terms },
    { lease: running, terms: second.terms },
  ])
  expect((await spending.today()).items).toMatchObject([{ committed: '0.02' }])
})

test('what a lease can cost follows what was signed for it', () => {
  const { record, terms } = leaseOf(1)
  const over = { ...record, state: 'EXPIRED' as const, acknowledged: '7' }
  expect(mostOf(terms, record)).toBe(60_000n)
  expect(mostOf(terms, over)).toBe(7n)
  const advance = { limit: '9', signature: new Uint8Array(64) }
  expect(mostOf(terms, { ...over, advance })).toBe(9n)
  expect(mostOf(terms, { ...over, advance, settled: '8' })).toBe(8n)
})

test('two rents at once cannot exceed it, nothing is signed beyond it, and what ends frees it', async () => {
  const ledger = new FakeLedger()
  const devices = ['cpu-0', 'cpu-1']
  const miners = [
    await startMiner({ key: freshKey(), ledger, engine: new FakeEngine(), devices }),
    await startMiner({ key: freshKey(), ledger, engine: new FakeEngine(), devices }),
  ]
  const renter = await startRenter({ key: freshKey(), ledger, miners })
  ledger.grant(renter.key, 10_000_000n)
  const caps = { maxDailyCost: '0.1' } // one lease of a minute can cost 0.06
  const asked = miners.map((miner) => rentLease(renter.book, orderOf(miner, caps)))
  const tried = await Promise.allSettled(asked)
  followAll(renter.book)
  expect(tried.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(ledger.escrows.size).toBe(1)
  const refused = tried.find((one) => one.status === 'rejected')
  expect(refused?.reason).toMatchObject({ code: 'REFUSED_SPENDING' })

  const now = [...renter.book.live.values()][0]!
  await until(() => now.lease.state === 'ACTIVE')
  await stopLease(renter, now)
  await until(() => renter.book.live.size === 0)
  const third = await rentLease(renter.book, orderOf(miners[1]!, { maxDailyCost: '0.07' }))
  followAll(renter.book)
  await until(() => third.lease.state === 'ACTIVE')
  await stopLease(renter, third)
})

test('a lease that could cost more than its own cap is not asked for', async () => {
  const ledger = new FakeLedger()
  const miner = await startMiner({ key: freshKey(), ledger, engine: new FakeEngine() })
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  const order = orderOf(miner, { maxCost: '0.05' })
  await expect(rentLease(renter.book, order)).rejects.toMatchObject({
    code: 'REFUSED_COST',
    message: 'it can cost 0.06 DEV: --max-cost is 0.05',
  })
  expect(miner.events().some(({ event }) => event === 'lease-requested')).toBe(false)
})
