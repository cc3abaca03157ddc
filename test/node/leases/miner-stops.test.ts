import { expect, test } from 'vitest'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { rentLease } from '../../../src/node/leases/rent-lease.ts'
import { market, orderOf, take } from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

test('a renter hears from a miner that stops that its lease is over, and pays what was served', async () => {
  const { engine, ledger, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  const at = { leaseId: now.lease.leaseId, miner: miner.key.peerId }
  const request = { kind: 'exec' as const, command: ['sleep'], tty: false, env: {} }
  const channel = await openSession(renter.book, at, request, new AbortController().signal)
  const frames = channel.frames()[Symbol.asyncIterator]()
  await frames.next() // it runs
  const late = rentedLate()
  await miner.stop()
  await expect(frames.next()).rejects.toThrow('the miner was stopped')
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({
    state: 'FAILED',
    ending: { outcome: 'failed', code: 'miner-stopped', reason: 'the miner was stopped' },
  })
  expect(engine.containers.size).toBe(0)
  expect(ledger.balance(miner.key)).toBe(BigInt(now.lease.cumulative))
  expect(ledger.balance(miner.key)).toBeGreaterThan(0n)
  await late

  /** While the container goes, nothing new begins. */
  async function rentedLate(): Promise<void> {
    await until(() => miner.book.isLeaving)
    await expect(rentLease(renter.book, orderOf(miner))).rejects.toMatchObject({
      code: 'REFUSED_NO_CAPACITY',
      message: expect.stringContaining('this miner stops'),
    })
  }
})

test('a miner that stops does not wait for a renter that is gone', async () => {
  const { engine, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  await renter.stop()
  await until(() => miner.peer.libp2p.getConnections().length === 0)
  await miner.stop()
  expect(engine.containers.size).toBe(0)
  expect(miner.book.live.get(now.id)?.lease.state).toBe('CLOSING')
})
