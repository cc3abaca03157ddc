import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { NodeError } from '../../../src/errors.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { hexOf } from '../../../src/node/leases/lease-records.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { rentLease } from '../../../src/node/leases/rent-lease.ts'
import { verifyReceiptChain } from '../../../src/protocols/receipt-chain.ts'
import { channels } from '../../../src/protocols/session.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { net } from '../../support/lease.ts'
import {
  freshKey,
  market,
  meet,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  take,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'
import { execIn } from '../../support/session.ts'

test('a lease from request to settlement: command, receipts, money', async () => {
  const { engine, ledger, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  const { leaseId } = now.lease
  const at = { renter, leaseId, miner: miner.key.peerId }
  const ran = await execIn({ ...at, command: ['echo', 'hi'] })
  expect(ran).toEqual({ stdout: 'hi\n', stderr: '', exitCode: 0 })
  const failed = await execIn({ ...at, command: ['fail', '7'] })
  expect(failed).toEqual({ stdout: '', stderr: 'it failed\n', exitCode: 7 })
  await until(() => now.lease.acknowledgedSeq >= 2)
  expect(now.lease).toMatchObject({ state: 'ACTIVE', health: 'ok', engine: 'fake engine' })
  await stopLease(renter, now)
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
  const chain = verifyReceiptChain(net, { minerTerms, renterTerms, receipts, countersigned })
  expect(chain).toMatchObject({ acknowledged: paid, claimed: paid })
  expect(hexOf(chain.leaseId)).toBe(now.id)
})

test('a lease ends when its time is over, and costs what it lasted', async () => {
  const { ledger, miner, renter, engine } = await market()
  const now = await take(renter, orderOf(miner, { durationMs: 1000 }))
  await until(() => isOver(now.lease))
  expect(now.lease.ending?.reason).toBe('the agreed time is over')
  expect(now.lease.state).toBe('SETTLED')
  expect(BigInt(now.lease.settled!)).toBeLessThanOrEqual(1000n)
  expect(ledger.balance(miner.key)).toBe(BigInt(now.lease.settled!))
  expect(engine.containers.size).toBe(0)
})

test('megabytes go in and come back whole', async () => {
  const { miner, renter } = await market()
  const { leaseId } = (await take(renter, orderOf(miner))).lease
  const stdin = Buffer.from(randomBytes(1_500_000).toString('base64'))
  const at = { renter, leaseId, miner: miner.key.peerId }
  const { stdout, exitCode } = await execIn({
    ...at,
    command: ['cat'],
    stdin: stdin.subarray(0, 900_000),
  })
  expect(exitCode).toBe(0)
  expect(stdout).toBe(stdin.subarray(0, 900_000).toString())
})

test('a command whose renter leaves is hung up on; so is one whose lease ends', async () => {
  const { engine, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  const { leaseId } = now.lease
  const request = { kind: 'exec' as const, command: ['sleep'], tty: false, env: {} }
  const at = { leaseId, miner: miner.key.peerId }
  const leaving = new AbortController()
  const left = await openSession(renter.book, at, request, leaving.signal)
  leaving.abort(new Error('closed the laptop'))
  await expect(left.send(channels.stdin, new Uint8Array(1))).rejects.toThrow()
  await until(() => engine.signals.length === 2)
  expect(engine.signals).toEqual(['SIGHUP', 'SIGKILL'])
  const ran = execIn({ renter, ...at, command: ['sleep'] })
  ran.catch(() => undefined)
  await until(() => now.lease.state === 'ACTIVE')
  await stopLease(renter, now)
  await expect(ran).rejects.toMatchObject({ code: 'FAILED_LEASE_ENDED' })
})

test('an image that cannot be had ends the lease with the reason, at no cost', async () => {
  const { engine, ledger, miner, renter } = await market()
  engine.imageError = new NodeError('ENGINE_IMAGE', 'there is no image nosuch:1')
  const now = await take(renter, orderOf(miner, { image: 'nosuch:1' }))
  const at = { renter, leaseId: now.lease.leaseId, miner: miner.key.peerId }
  await expect(execIn({ ...at, command: ['true'] })).rejects.toMatchObject({
    code: 'FAILED_LEASE_ENDED',
  })
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({ state: 'FAILED', settled: '0' })
  expect(now.lease.ending?.reason).toContain('there is no image nosuch:1')
  expect(ledger.balance(renter.key)).toBe(10_000_000n)
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
})

test('an engine that does not answer leaves the lease unknown and running', async () => {
  const { engine, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  engine.silent = true
  await until(() => miner.book.live.get(now.id)?.lease.health === 'unknown')
  const before = miner.book.live.get(now.id)!.lease.meter!.seq
  await until(() => miner.book.live.get(now.id)!.lease.meter!.seq >= before + 2)
  expect(miner.book.live.get(now.id)?.lease.state).toBe('ACTIVE')
  engine.silent = false
  await until(() => miner.book.live.get(now.id)?.lease.health === 'ok')
})

test('a miner without an engine refuses with the reason, and one device is not let twice', async () => {
  const { ledger, miner, renter } = await market()
  const bare = await startMiner({
    key: freshKey(),
    ledger,
    engine: new NodeError('ENGINE_ABSENT', 'no Docker Engine answers', { next: 'install one' }),
  })
  await meet(renter, bare)
  await expect(rentLease(renter.book, orderOf(bare))).rejects.toMatchObject({
    code: 'REFUSED_NO_ENGINE',
    message: expect.stringContaining('no Docker Engine answers'),
  })
  await take(renter, orderOf(miner))
  const second = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(second.key, 10_000_000n)
  await expect(rentLease(second.book, orderOf(miner))).rejects.toMatchObject({
    code: 'REFUSED_NO_CAPACITY',
  })
})

test('a renter that cannot pay gets no container', async () => {
  const { engine, ledger, miner } = await market()
  const poor = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  await expect(take(poor, orderOf(miner))).rejects.toMatchObject({ code: 'CHAIN_BALANCE' })
  await until(() => miner.book.capacity.free().length === 1)
  expect(engine.containers.size).toBe(0)
})

test('an escrow that its renter could take back during the lease buys nothing', async () => {
  const { engine, ledger, miner } = await market()
  const sly = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(sly.key, 10_000_000n)
  const rail = ledger.railOf(sly.key)
  Object.assign(sly.book.rail!.escrow, {
    open: (terms: Parameters<typeof rail.escrow.open>[0]) =>
      rail.escrow.open({ ...terms, expiresAtMs: Date.now() + 5000 }),
  })
  const now = await take(sly, orderOf(miner))
  await until(() => isOver(now.lease))
  expect(now.lease.ending?.reason).toContain('the escrow is not what the terms ask for')
  expect(engine.containers.size).toBe(0)
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
})

test('a renter that is away pays later; nothing is lost and nothing is a breach', async () => {
  const { ledger, miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  const own = miner.book.live.get(now.id)!
  renter.book.lifetime.abort(new Error('the laptop is closed'))
  const seen = own.lease.meter!.seq
  await until(() => own.lease.meter!.seq >= seen + 3)
  expect(own.lease).toMatchObject({ state: 'ACTIVE', health: 'ok' })
  expect(own.lease.acknowledgedSeq).toBeLessThan(own.lease.meter!.seq)
  await stopLease(renter, now)
  await until(() => own.container !== undefined && miner.book.capacity.free().length === 1)
  expect(own.lease.state).toBe('CLOSING')
  expect(ledger.balance(miner.key)).toBe(0n)
})

test('free capacity needs no ledger', async () => {
  const engine = new FakeEngine()
  const miner = await startMiner({ key: freshKey(), engine })
  const renter = await startRenter({ key: freshKey(), miners: [miner] })
  const now = await take(renter, orderOf(miner, { offer: miner.offer({ dph: '0' }) }))
  await until(() => now.lease.state === 'ACTIVE')
  await stopLease(renter, now)
  await until(() => isOver(now.lease))
  expect(now.lease).toMatchObject({ state: 'SETTLED', escrow: 'none', settled: '0' })
})
