import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Engine } from '../../../src/containers/engine.ts'
import type { RecordKey } from '../../../src/protocols/seal.ts'
import { type DevLedgerChain, startDevLedgerChain } from '../../support/dev-ledger-chain.ts'
import { docker, noDocker, testEngine } from '../../support/docker.ts'
import {
  freshKey,
  orderOf,
  startMiner,
  startRenter,
  take,
  tempFolder,
} from '../../support/lease-market.ts'

const until = (done: () => boolean | Promise<boolean>): Promise<void> =>
  vi.waitFor(async () => expect(await done()).toBe(true), { timeout: 40_000, interval: 50 })

/** Nodes over libp2p, the embedded chain's ledger, a container of the Docker Engine. */
describe.skipIf(noDocker)('credit, with a Docker Engine and the embedded ledger', () => {
  let engine: Engine & AsyncDisposable
  let chain: DevLedgerChain
  beforeAll(async () => {
    engine = await testEngine()
    await engine.ensureImage('busybox:1.37')
    chain = await startDevLedgerChain()
  })
  afterAll(async () => {
    await chain[Symbol.asyncDispose]()
    await engine[Symbol.asyncDispose]()
  })

  const railOf = (key: RecordKey) => chain.railOf(key)

  test('GRACE, SUSPENDED and on again, then SUSPENDED and closed; the ledger pays what was signed', async () => {
    const ledger = { railOf }
    const book = { creditMs: 900, graceMs: 2500, receiptEveryMs: 300 }
    const miner = await startMiner({ key: freshKey(), ledger, engine, book })
    const renterOf = { key: freshKey(), ledger, miners: [miner], folder: await tempFolder() }
    await railOf(renterOf.key).faucet()
    const before = await railOf(renterOf.key).balance()
    let renter = await startRenter(renterOf)
    const now = await take(renter, orderOf(miner, { durationMs: 120_000 }))
    await until(() => now.lease.state === 'ACTIVE' && now.lease.acknowledgedSeq > 0)
    const hosted = miner.book.live.get(now.id)!
    const container = hosted.container!
    const paused = async () => (await docker.getContainer(container.id).inspect()).State.Paused
    // A process that counts, to see that it stands still and loses nothing.
    const count = 'i=0; while true; do i=$((i+1)); echo $i > /n; sleep 0.05; done'
    const counter = await container.exec(['sh', '-c', count])
    counter.stdout.resume()
    counter.stderr.resume()
    counter.exitCode.catch(() => undefined) // it ends with its container
    const counted = async (): Promise<number> => {
      const exec = await container.exec(['cat', '/n'])
      exec.stderr.resume()
      return Number(await text(exec.stdout))
    }

    await renter.stop()
    await until(() => hosted.lease.state === 'GRACE')
    expect(await paused()).toBe(false)
    await until(() => hosted.lease.state === 'SUSPENDED')
    await until(paused)
    const { upMs } = hosted.lease.meter!

    renter = await startRenter(renterOf)
    await until(() => hosted.lease.state === 'ACTIVE')
    expect(await paused()).toBe(false)
    expect(hosted.lease.meter!.upMs).toBeLessThan(upMs + 2000) // the pause is not in it
    const there = await counted()
    await until(async () => (await counted()) > there)

    await renter.stop()
    await until(() => hosted.lease.state === 'CLOSING')
    expect(hosted.lease.ending).toMatchObject({ code: 'credit', outcome: 'failed' })
    await until(() => miner.book.capacity.free().length === 1)
    expect(await container.status()).toBe('gone')

    renter = await startRenter(renterOf)
    await until(() => !renter.book.live.has(now.id))
    const lease = (await renter.book.records.get(now.id))!
    expect(lease).toMatchObject({ state: 'FAILED', settled: lease.cumulative })
    expect(lease.ending).toMatchObject({ code: 'credit' })
    const paid = BigInt(lease.cumulative)
    expect((await railOf(miner.key).balance()).total).toBe(paid)
    expect((await railOf(renterOf.key).balance()).total).toBe(before.total - paid)
  }, 120_000)
})
