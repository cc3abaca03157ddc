import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { expiryInName } from '../../../src/containers/hardened-spec.ts'
import { checkEvidence } from '../../../src/node/leases/check-evidence.ts'
import { extendLease } from '../../../src/node/leases/extend-lease.ts'
import { hostWith, leaseRoom } from '../../../src/node/leases/lease-room.ts'
import { makeEvidence } from '../../../src/node/leases/make-evidence.ts'
import { pauseRented } from '../../../src/node/leases/pause-rented.ts'
import { evidenceCodec } from '../../../src/protocols/lease-evidence.ts'
import type { RecordKey } from '../../../src/protocols/seal.ts'
import { MiB } from '../../../src/units.ts'
import { type DevLedgerChain, startDevLedgerChain } from '../../support/dev-ledger-chain.ts'
import { docker, noDocker, testEngine } from '../../support/docker.ts'
import {
  freshKey,
  offerOf,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  take,
  tempFolder,
} from '../../support/lease-market.ts'
import { execIn } from '../../support/session.ts'

const until = (done: () => boolean | Promise<boolean>): Promise<void> =>
  vi.waitFor(async () => expect(await done()).toBe(true), { timeout: 40_000, interval: 50 })

/** Nodes over libp2p, the embedded chain's ledger, a container of the Docker Engine. */
describe.skipIf(noDocker)(
  'the life of a lease in a Docker Engine, paid on the embedded ledger',
  () => {
    let engine: Awaited<ReturnType<typeof testEngine>>
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

    test('variables, a pause, an extension over restarts of both nodes, its evidence and its money', async () => {
      const ledger = { railOf }
      const parts = {
        key: freshKey(),
        ledger,
        engine,
        folder: await tempFolder(),
        endOnStop: false,
      }
      const renterParts = { key: freshKey(), ledger, folder: await tempFolder() }
      await railOf(renterParts.key).faucet()
      const before = (await railOf(renterParts.key).balance()).total
      const first = await startMiner(parts)
      let renter = await startRenter({ ...renterParts, miners: [first] })
      const count = 'i=0; while true; do i=$((i+1)); echo $i > /n; sleep 0.05; done'
      const command = ['sh', '-c', count]
      const order = orderOf(first, { durationMs: 60_000, env: { TOKEN: 'a b' }, command })
      let now = await take(renter, order)
      await until(() => now.lease.acknowledgedSeq > 0)
      const at = { leaseId: now.lease.leaseId, miner: parts.key.peerId }
      const run = async (...words: string[]): Promise<string> =>
        (await execIn({ renter, ...at, command: words })).stdout
      expect(await run('sh', '-c', 'echo "$TOKEN"')).toBe('a b\n')

      await pauseRented(renter.book, now, 'pause')
      const { id: containerId } = first.book.live.get(now.id)!.container!
      const inspect = () => docker.getContainer(containerId).inspect()
      expect((await inspect()).State.Paused).toBe(true)
      await expect(run('true')).rejects.toMatchObject({ code: 'REFUSED_PAUSED' })
      // More time may be had while it stands still.
      await extendLease(renter.book, now, { addMs: 30_000 })
      expect(expiryInName((await inspect()).Name)).toBeGreaterThan(now.lease.expiresAtMs! - 5000)

      await Promise.all([first.kill(), renter.stop()])
      const second = await startMiner(parts)
      renter = await startRenter({ ...renterParts, miners: [second] })
      now = renter.book.live.get(now.id)!
      expect(now.terms.durationMs).toBe(90_000)
      const hosted = second.book.live.get(now.id)!
      expect(hosted.terms).toEqual(now.terms)
      expect([hosted.lease.state, (await inspect()).State.Paused]).toEqual(['PAUSED', true])
      await pauseRented(renter.book, now, 'resume')
      const there = Number(await run('cat', '/n'))
      await until(async () => Number(await run('cat', '/n')) > there)

      const { seq } = now.lease.meter
      await until(() => now.lease.meter.seq > seq)
      await stopLease(renter, now)
      await until(() => !renter.book.live.has(now.id))
      const lease = (await renter.book.records.get(now.id))!
      expect(lease).toMatchObject({ state: 'SETTLED', settled: lease.cumulative })
      const paid = BigInt(lease.cumulative)
      expect((await railOf(parts.key).balance()).total).toBe(paid)
      expect((await railOf(renterParts.key).balance()).total).toBe(before - paid)
      // The test's network has another genesis than its ledger, and so the voucher is of another chain.
      const { voucher: _, ...evidence } = await makeEvidence(renter.book, lease)
      const finding = checkEvidence(evidenceCodec.encode(evidence))
      expect(finding.checks.filter(({ ok }) => !ok)).toEqual([])
      expect(finding.verdict).toBe('VALID')
    }, 120_000)

    test('a lease of three of four devices gets three quarters of cores and memory, as the engine holds it to', async () => {
      const ids = ['cpu-0', 'cpu-1', 'cpu-2', 'cpu-3']
      const shared = { ramMiB: 1536, cpuCores: 2, devices: ids.length }
      const room = (leased: number) => leaseRoom(shared, leased, undefined)
      const { memoryMiB, milliCpus } = room(3)
      expect({ memoryMiB, milliCpus }).toEqual({ memoryMiB: 576, milliCpus: 1500 })
      const miner = await startMiner({ key: freshKey(), engine, devices: ids, book: { room } })
      const renter = await startRenter({ key: freshKey(), miners: [miner] })
      const devices = ids.map((id) => ({ id, vendor: 'AMD', name: 'CPU', vramMiB: 0 }))
      const whole = offerOf(miner.key)
      const offer = miner.offer({ devices, dph: '0', host: hostWith(whole.host, room(4)) })
      const now = await take(renter, orderOf(miner, { offer, devices: 3 }))
      await until(() => now.lease.state === 'ACTIVE')
      expect(now.terms).toMatchObject({ memoryMiB, milliCpus, devices: ids.slice(0, 3) })
      // Of either generation of control groups.
      const script = `cd /sys/fs/cgroup; if [ -f memory.max ]; then cat memory.max cpu.max; else
        cat memory/memory.limit_in_bytes; echo $(cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us); fi`
      const at = { leaseId: now.lease.leaseId, miner: miner.key.peerId }
      const { stdout } = await execIn({ renter, ...at, command: ['sh', '-c', script] })
      expect(stdout).toBe(`${memoryMiB * MiB}\n150000 100000\n`)
      await stopLease(renter, now)
      await until(() => !renter.book.live.has(now.id))
    }, 60_000)
  },
)
