import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { silent } from '../../../src/log.ts'
import { runCli } from '../../../src/node/cli.ts'
import { exitCodeOf } from '../../../src/node/exit-codes.ts'
import { DRAIN_REASON, drainState } from '../../../src/node/leases/drain.ts'
import { extendLease } from '../../../src/node/leases/extend-lease.ts'
import { followDrain } from '../../../src/node/leases/follow-drain.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { waitInLine } from '../../../src/node/leases/wait-in-line.ts'
import { outputSchemas } from '../../../src/node/output-schemas.ts'
import { createOwnDrain } from '../../../src/node/own-drain.ts'
import { openStore } from '../../../src/node/store.ts'
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
import { localNode } from '../../support/local-node.ts'

const WAIT = { timeout: 30_000, interval: 20 }

/** What its owner said, in a store that can be opened again. */
async function ownDrain(folder: string) {
  const store = await openStore(join(folder, 'own'))
  const drain = await createOwnDrain({ store, log: silent })
  return { drain, store }
}

test('a miner that runs empty refuses what is new, tells its tenants, and lets their leases end as agreed', async () => {
  const folder = await tempFolder()
  const { drain, store } = await ownDrain(folder)
  onTestFinished(() => store[Symbol.asyncDispose]())
  const ledger = new FakeLedger()
  const engine = new FakeEngine()
  const miner = await startMiner({ key: freshKey(), ledger, engine, book: { drain: drain.now } })
  const { book } = miner
  drain.onChange(() => followDrain(book), book.lifetime.signal)
  const other = await startMiner({ key: freshKey(), ledger, engine: new FakeEngine() })
  const renterOf = async () => {
    const renter = await startRenter({ key: freshKey(), ledger, miners: [miner, other] })
    ledger.grant(renter.key, 10_000_000n)
    return renter
  }
  const [renter, waiting] = [await renterOf(), await renterOf()]
  const now = await take(renter, orderOf(miner, { durationMs: 6_000 }))
  const elsewhere = await take(renter, orderOf(other))
  await vi.waitFor(() => expect(now.lease.state).toBe('ACTIVE'), WAIT)
  const wish = { query: '', order: 'dph', image: 'busybox:1.37', durationMs: 60_000 }
  const offers = [miner.offer(), other.offer()]
  const queued = waitInLine(
    waiting.book,
    { ...wish, waitMs: 60_000 },
    { let: () => offers, free: () => [] },
  )
  await vi.waitFor(() => expect(book.line.all()).toHaveLength(1), WAIT)

  const end = new Date(now.lease.expiresAtMs!).toISOString().slice(0, 16)
  await drain.change({ sinceMs: Date.now() })
  expect(drainState(book)).toMatchObject({ draining: true, leases: 1 })
  expect(Math.abs(drainState(book).endsAtMs! - now.lease.expiresAtMs!)).toBeLessThan(2000)
  // Who waited there does so elsewhere.
  await vi.waitFor(() => expect(other.book.line.all()).toHaveLength(1), WAIT)
  expect(book.line.all()).toEqual([])
  await vi.waitFor(
    () => expect(now.progress).toMatch(/runs empty: this lease ends as agreed/),
    WAIT,
  )
  expect(now.progress).toContain(end)
  await expect(extendLease(renter.book, now, { addMs: 1000 })).rejects.toMatchObject({
    code: 'REFUSED_EXTENSION',
    message: expect.stringMatching(/lets it run empty/),
  })
  const refused = await take(waiting, orderOf(miner)).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'REFUSED_DRAINING' })
  expect(exitCodeOf(refused)).toBe(5)
  await vi.waitFor(() => expect(isOver(now.lease)).toBe(true), WAIT)
  expect(now.lease.ending?.code).toBe('expired')
  await vi.waitFor(
    () => expect(drainState(book)).toMatchObject({ leases: 0, endsAtMs: null }),
    WAIT,
  )
  expect(book.capacity.free()).toEqual([])

  await stopLease(renter, elsewhere)
  const next = await queued
  expect(next.terms.miner).toBe(other.key.peerId)
  await drain.change({ sinceMs: null })
  expect(book.capacity.free()).toEqual(['cpu-0'])
  const again = await take(renter, orderOf(miner))
  await vi.waitFor(() => expect(again.lease.state).toBe('ACTIVE'), WAIT)
  expect(again.progress).toBeUndefined()
})

test('what was said holds over a restart', async () => {
  const folder = await tempFolder()
  const first = await ownDrain(folder)
  await first.drain.change({ sinceMs: 7 })
  await first.store[Symbol.asyncDispose]()
  const second = await ownDrain(folder)
  expect(second.drain.now()).toEqual({ sinceMs: 7 })
  await second.drain.change({ sinceMs: null })
  await second.store[Symbol.asyncDispose]()
})

test('compute-node drain: offers go and come back, status says so, and a restart changes nothing', async () => {
  const dataDir = await tempFolder()
  const start = () => localNode({ roles: ['miner'], price: '1', dataDir })
  const run = async (...argv: string[]) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const terminal = { stdin: new PassThrough(), stdout, stderr }
    const { signal } = new AbortController()
    const all = [...argv, '--json', '--data-dir', dataDir]
    const exitCode = await runCli(all, { terminal, env: {}, signal })
    const said = JSON.parse(String(stdout.read()))
    expect(exitCode, JSON.stringify(said)).toBe(0)
    return outputSchemas[argv[0]!]!.schema.parse(said)
  }
  {
    await using node = await start()
    expect(await run('status')).toMatchObject({ drain: { draining: false, leases: 0 } })
    expect(await run('drain', '--wait=10s')).toMatchObject({ draining: true, endsAtMs: null })
    expect(node.parts.hosting!.capacity.free()).toEqual([])
    await vi.waitFor(() => expect(node.parts.offers.standing()).toEqual([]), WAIT)
    const told = node.parts.core.events.recent().map(({ event }) => event)
    expect(told).toContain('drain-began')
  }
  await using node = await start()
  expect(node.parts.offers.standing()).toEqual([])
  expect(await run('status')).toMatchObject({ drain: { draining: true } })
  expect(await run('drain', '--undo')).toMatchObject({ draining: false, sinceMs: null })
  const { capacity } = node.parts.hosting!
  expect(capacity.all().every((device) => capacity.shutOf(device) !== DRAIN_REASON)).toBe(true)
})
