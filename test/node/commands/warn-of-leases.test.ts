import { PassThrough } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { leasesAtStop, warnOfLeases } from '../../../src/node/commands/warn-of-leases.ts'
import { market, orderOf, stopLease, take } from '../../support/lease-market.ts'

const WAIT = { timeout: 20_000, interval: 20 }

test('who stops a miner is told of the leases in it, and what becomes of them', async () => {
  const { miner, renter } = await market()
  const { book } = miner
  const stderr = new PassThrough()
  expect(warnOfLeases(book, stderr)).toBe(false)
  expect(stderr.read()).toBeNull()
  const now = await take(renter, orderOf(miner))
  await vi.waitFor(() => expect(now.lease.state).toBe('ACTIVE'), WAIT)
  expect(warnOfLeases(book, stderr)).toBe(true)
  const until = new Date(now.lease.expiresAtMs!).toISOString().slice(0, 16)
  expect(String(stderr.read())).toMatch(
    new RegExp(`^\n1 lease is here, until ${until}.*drain`, 's'),
  )
  expect(leasesAtStop(book)).toMatch(/stopping ends what runs/)
  expect(leasesAtStop({ ...book, endOnStop: false })).toMatch(/goes on without this node, unbilled/)
  await stopLease(renter, now)
  await vi.waitFor(() => expect(leasesAtStop(book)).toBeUndefined(), WAIT)
})
