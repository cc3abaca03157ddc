import { expect, test, vi } from 'vitest'
import { dropQuotes } from '../../../src/node/leases/host-answers.ts'
import { warnLeases } from '../../../src/node/leases/warn-leases.ts'
import { market, orderOf, take } from '../../support/lease-market.ts'

const WAIT = { timeout: 20_000, interval: 20 }

test('the renter of a lease whose GPU is lost is told, and does not pay until it is back', async () => {
  const { miner, renter } = await market()
  const { book } = miner
  const lease = await take(renter, orderOf(miner))
  await vi.waitFor(() => expect(lease.lease.meter.seq).toBeGreaterThan(0), WAIT)

  book.capacity.bar('cpu-0', { kind: 'lost', reason: 'GPU is lost' })
  warnLeases(book, 'cpu-0')
  warnLeases(book, 'cpu-0')
  await vi.waitFor(() => expect(lease.progress).toBe('cpu-0 is lost: GPU is lost'), WAIT)
  await vi.waitFor(() => expect(lease.lease.health).toBe('failed'), WAIT)
  const { upMs, seq } = lease.lease.meter
  await vi.waitFor(() => expect(lease.lease.meter.seq).toBeGreaterThan(seq + 2), WAIT)
  expect(lease.lease.meter.upMs).toBe(upMs)
  expect(book.capacity.holds(lease.id)).toBe(true)

  book.capacity.bar('cpu-0', undefined)
  warnLeases(book, 'cpu-0')
  await vi.waitFor(() => expect(lease.lease.meter.upMs).toBeGreaterThan(upMs), WAIT)
  await vi.waitFor(() => expect(lease.progress).toBeUndefined(), WAIT)
  expect(lease.lease).toMatchObject({ state: 'ACTIVE', health: 'ok' })
  const told = (events: readonly { event: string }[], name: string) =>
    events.filter(({ event }) => event === name).length
  expect(told(miner.events(), 'lease-warned')).toBe(1)
  expect(told(renter.events(), 'lease-notice')).toBe(1)
})

test('a lease whose GPU is paused is warned, and goes on at its price', async () => {
  const { miner, renter } = await market()
  const lease = await take(renter, orderOf(miner))
  miner.book.capacity.bar('cpu-0', { kind: 'paused', reason: 'hotter than 80 °C' })
  warnLeases(miner.book, 'cpu-0')
  await vi.waitFor(() => expect(lease.progress).toContain('paused: hotter'), WAIT)
  const { upMs } = lease.lease.meter
  await vi.waitFor(() => expect(lease.lease.meter.upMs).toBeGreaterThan(upMs), WAIT)
  expect(lease.lease.health).toBe('ok')
})

test('a barred device takes no new lease, and a quote of it is dropped', async () => {
  const { miner, renter } = await market()
  const { capacity } = miner.book
  capacity.bar('cpu-0', { kind: 'lost', reason: 'GPU is lost' })
  expect(capacity.free()).toEqual([])
  await expect(take(renter, orderOf(miner))).rejects.toMatchObject({
    code: 'REFUSED_NO_CAPACITY',
    message: expect.stringContaining('cpu-0 is lost'),
  })
  capacity.adopt('one that runs', ['cpu-0'])
  capacity.release('one that runs')
  capacity.bar('cpu-0', undefined)
  const lease = await take(renter, orderOf(miner))
  await dropQuotes(miner.book, () => true)
  await vi.waitFor(() => expect(lease.lease.state).toBe('ACTIVE'), WAIT)
})
