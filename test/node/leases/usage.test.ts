import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { LeaseUsage } from '../../../src/api/lease-usage.ts'
import { codeOf } from '../../../src/errors.ts'
import { NO_FIGURES } from '../../../src/gpu/gpu.ts'
import type { GpuSample } from '../../../src/gpu/telemetry.ts'
import { createUsageKeeper, type UsageNews } from '../../../src/node/leases/kept-usage.ts'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { openUsage, viewOf } from '../../../src/node/leases/open-usage.ts'
import { MAX_WATCHERS, sampleOf } from '../../../src/node/leases/sessions/usage-session.ts'
import type { Terms } from '../../../src/protocols/terms.ts'
import { noDocker } from '../../support/docker.ts'
import { cutConnections, dockerLease } from '../../support/docker-lease.ts'
import {
  freshKey,
  market,
  orderOf,
  startRenter,
  stopLease,
  take,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

const MiB = 1024 * 1024

/** Samples as they come, and how the watch ended. */
async function watching(
  book: Parameters<typeof openUsage>[0],
  at: Parameters<typeof openUsage>[1],
) {
  const life = new AbortController()
  onTestFinished(() => life.abort(new Error('the test is over')))
  const samples: LeaseUsage[] = []
  const usage = await openUsage(book, at, { signal: life.signal })
  const ended = (async () => {
    for await (const sample of usage) samples.push(sample)
  })().catch((error: unknown) => codeOf(error))
  return { samples, ended, leave: () => life.abort(new Error('the renter leaves')) }
}

async function leased() {
  const all = await market()
  const now = await take(all.renter, orderOf(all.miner))
  await until(() => now.lease.state === 'ACTIVE')
  return { ...all, now, at: { leaseId: now.lease.leaseId, miner: all.miner.key.peerId } }
}

test('what is used is told with its limits; an engine that does not answer is a sample too', async () => {
  const { engine, renter, now, at } = await leased()
  engine.used = {
    ...{ cpuMs: 1000, memoryBytes: 12 * MiB, processes: 3 },
    network: { rxBytes: 100, txBytes: 7 },
  }
  const { samples, ended } = await watching(renter.book, at)
  await until(() => samples.length === 1)
  const { terms } = now
  expect(samples[0]).toMatchObject({
    ...{ cpuPercent: null, cores: terms.milliCpus / 1000, pids: 3, rxBytes: 100, txBytes: 7 },
    ...{ memoryMiB: 12, memoryLimitMiB: terms.memoryMiB, diskLimitMiB: terms.diskMiB ?? null },
    gpus: [{ id: 'cpu-0', loadPercent: null, memoryMiB: null, temperatureC: null, powerW: null }],
  })
  engine.silent = true
  await until(() => samples.at(-1)?.pids === null)
  expect(samples.at(-1)).toMatchObject({
    ...{ cpuPercent: null, memoryMiB: null, rxBytes: null, txBytes: null },
    ...{ memoryLimitMiB: terms.memoryMiB, cores: terms.milliCpus / 1000 },
  })
  engine.silent = false
  await until(() => samples.at(-1)?.pids === 3)
  await stopLease(renter, now)
  expect(await ended).toBe('FAILED_LEASE_ENDED')
})

test('only who may enter the lease, and only so many at once', async () => {
  const { miner, ledger, renter, at } = await leased()
  const stranger = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  const never = new AbortController().signal
  await expect(openUsage(stranger.book, at, { signal: never })).rejects.toMatchObject({
    code: 'REFUSED_NOT_AUTHORIZED',
  })
  const life = new AbortController()
  const open = () => openSession(renter.book, at, { kind: 'usage' }, life.signal)
  await Promise.all(Array.from({ length: MAX_WATCHERS }, open))
  await expect(open()).rejects.toMatchObject({ code: 'REFUSED_WATCHERS' })
  life.abort(new Error('enough'))
  await vi.waitFor(async () => {
    const one = await openSession(renter.book, at, { kind: 'usage' }, never)
    one.abort(new Error('enough'))
  })
})

test('of the miner’s devices, those of the lease alone are told', () => {
  const gpu = (id: string): GpuSample => ({
    gpu: { id, vendor: 'nvidia', name: 'X', vramMiB: 1 },
    ...{ atMs: 1, state: 'ok', reason: null },
    figures: {
      ...NO_FIGURES,
      ...{ utilizationPercent: 99.6, memoryUsedMiB: 10, temperatureC: 60.4, powerW: 300.25 },
    },
  })
  const terms = { devices: ['b', 'gone'], milliCpus: 500, memoryMiB: 64 } as unknown as Terms
  const facts = { terms, diskUsedMiB: 5, gpus: () => [gpu('a'), gpu('b')] }
  const { gpus } = viewOf(sampleOf(undefined, facts), undefined)
  expect(gpus).toEqual([
    { id: 'b', loadPercent: 100, memoryMiB: 10, temperatureC: 60, powerW: 300.25 },
    { id: 'gone', loadPercent: null, memoryMiB: null, temperatureC: null, powerW: null },
  ])
})

test('load is what was used between two samples, and unknown where that makes no sense', () => {
  const facts = {
    terms: { devices: [] } as unknown as Terms,
    diskUsedMiB: undefined,
    gpus: () => [],
  }
  const at = (atMs: number, cpuMs: number) =>
    sampleOf({ atMs, cpuMs, memoryBytes: 0, processes: 1 }, facts)
  const between = (a: [number, number], b: [number, number]) =>
    viewOf(at(...b), at(...a)).cpuPercent
  expect(between([1000, 500], [2000, 2000])).toBe(150)
  expect(between([1000, 500], [2000, 500])).toBe(0)
  expect(between([2000, 500], [2000, 700])).toBeNull() // the same moment
  expect(between([3000, 500], [2000, 700])).toBeNull() // its clock was set
  expect(between([1000, 900], [2000, 100])).toBeNull() // it was started anew
})

describe.skipIf(noDocker)('a real container', { timeout: 120_000 }, () => {
  test('its load, memory and network are what runs in it, also after the connection broke', async () => {
    // A shell that never rests, beside 30 MB that are memory.
    const load = 'head -c 30000000 /dev/zero >/dev/shm/x; sleep 600 & while :; do :; done'
    const command = ['sh', '-c', load]
    const { renter, at } = await dockerLease({ command })
    const { samples, leave, ended } = await watching(renter.book, at)
    await until(() => samples.length >= 4, 30_000)
    const last = samples.at(-1)!
    expect(last.cpuPercent).toBeGreaterThan(10)
    expect(last.cpuPercent).toBeLessThan(last.cores * 100 * 1.5)
    expect(last.memoryMiB).toBeGreaterThan(25)
    expect(last.pids).toBeGreaterThanOrEqual(3)
    expect(last.rxBytes).toBeGreaterThanOrEqual(0)
    const before = samples.length
    cutConnections(renter)
    await until(() => samples.length > before + 1, 60_000)
    leave()
    expect(await ended).toBe('FAILED')
  })
})

test('a reader that was away gets what was kept meanwhile; the lease is watched once for all of them', async () => {
  const { engine, renter, now, at } = await leased()
  engine.used = { cpuMs: 1000, memoryBytes: 12 * MiB, processes: 3, network: undefined }
  using keeper = createUsageKeeper(renter.book)
  const lease = { ...at, id: now.id } as Parameters<typeof keeper.open>[0]
  const reading = async () => {
    const life = new AbortController()
    onTestFinished(() => life.abort())
    const news: UsageNews[] = []
    const items = await keeper.open(lease, life.signal)
    const ended = (async () => {
      for await (const item of items) news.push(item)
    })().catch((error: unknown) => codeOf(error))
    return { news, ended, leave: () => life.abort() }
  }
  const keptOf = ({ news }: { readonly news: readonly UsageNews[] }) =>
    news[0]?.event === 'kept' ? news[0].data.items.length : -1
  const first = await reading()
  await until(() => first.news.length === 3)
  expect(keptOf(first)).toBe(0)
  first.leave()
  await first.ended
  const others = await Promise.all(Array.from({ length: MAX_WATCHERS + 1 }, reading))
  await until(() => others.every(({ news }) => news.length > 1))
  expect(Math.min(...others.map(keptOf))).toBeGreaterThanOrEqual(2)
  await stopLease(renter, now)
  const ends = new Set(await Promise.all(others.map(({ ended }) => ended)))
  expect([...ends]).toEqual(['FAILED_LEASE_ENDED'])
})
