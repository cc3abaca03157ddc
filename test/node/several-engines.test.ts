import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { NodeStatus } from '../../src/api/status.ts'
import { dockerClientOf } from '../../src/containers/docker-client.ts'
import { createDockerEngine } from '../../src/containers/docker-engine.ts'
import { dockerFacts } from '../../src/containers/docker-facts.ts'
import { findHostBusybox } from '../../src/containers/host-busybox.ts'
import { importBusybox } from '../../src/containers/images.ts'
import { silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import { createControlClient } from '../../src/node/control/client.ts'
import type { Core } from '../../src/node/core.ts'
import { checkEngine } from '../../src/node/doctor/check-engine.ts'
import { parseEngines } from '../../src/node/engine-options.ts'
import { type EngineRow, engineRows } from '../../src/node/engine-rows.ts'
import { createEvents } from '../../src/node/events.ts'
import { createCapacity } from '../../src/node/leases/capacity.ts'
import type { HostedNow } from '../../src/node/leases/host-book.ts'
import { isOver } from '../../src/node/leases/lease-machine.ts'
import { hostWith } from '../../src/node/leases/lease-room.ts'
import type { RentedNow } from '../../src/node/leases/rent-book.ts'
import { openEngines } from '../../src/node/miner-engines.ts'
import { watchEngine } from '../../src/node/services/watch-engine.ts'
import { until } from '../support/crash-market.ts'
import { docker, noDocker } from '../support/docker.ts'
import { makeEngineCertificates } from '../support/engine-certificates.ts'
import { parseExposition, shownIn } from '../support/exposition.ts'
import { FakeLedger } from '../support/fake-ledger.ts'
import { net } from '../support/lease.ts'
import {
  freshKey,
  meet,
  offerOf,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  type TestMiner,
  take,
  tempFolder,
} from '../support/lease-market.ts'
import { localNode } from '../support/local-node.ts'
import { noOwnDockerd, type OwnDockerd, startOwnDockerd } from '../support/own-dockerd.ts'
import { execIn } from '../support/session.ts'

/** Of this run alone: others may run at the same time. */
const SUBNET = `10.211.${process.pid % 250}`
const LINK = { here: `${SUBNET}.1`, there: `${SUBNET}.2` }
const FAR_URL = `tcp://${LINK.there}:2376`
const [NEAR, FAR] = ['cpu-0', 'cpu-0@rig'] as const
const host = { ...offerOf(freshKey()).host, diskMiB: 1000 }
const room = { memoryMiB: 64, milliCpus: 1000, diskMiB: 100 }
const cpu = { id: NEAR, vendor: 'AMD', name: 'CPU', vramMiB: 0 }

describe.skipIf(noDocker || noOwnDockerd)('a miner with this engine, and one over TLS', () => {
  let dockerd: OwnDockerd
  let config: ReturnType<typeof configWith>
  beforeAll(async () => {
    const folder = await fileFolder()
    const { client, daemonArgs } = await makeEngineCertificates(join(folder, 'tls'), LINK.there)
    dockerd = await startOwnDockerd({
      args: ['--live-restore', '-H', `tcp://0.0.0.0:2376`, ...daemonArgs],
      link: LINK,
    })
    await importBusybox(dockerd.docker, 'busybox:1.37', (await findHostBusybox())!)
    const engines = [
      { name: 'here', url: 'unix:///var/run/docker.sock' },
      { name: 'rig', url: FAR_URL, tls: client, fencedByOwner: true },
    ]
    config = configWith({
      network: 'local',
      roles: ['miner'],
      engines: parseEngines([JSON.stringify(engines)], (path) => path),
    })
  }, 60_000)
  const undo: (() => Promise<unknown>)[] = []
  const fileFolder = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'cn-several-'))
    undo.push(() => rm(folder, { recursive: true, force: true }))
    return folder
  }
  afterAll(async () => {
    await dockerd?.[Symbol.asyncDispose]()
    for (const one of undo) await one()
  })

  const ledger = new FakeLedger()
  const key = freshKey()
  const told = createEvents(Date.now)

  /** A miner as a node makes it, as far as engines go; again in the same folder, it is the same one, restarted. */
  async function start(folder: string) {
    const stack = new AsyncDisposableStack()
    const core = { config, net, peerId: key.peerId, log: silent } as Partial<Core> as Core
    const gpus = [{ id: NEAR, vendor: 'cpu', name: 'CPU', vramMiB: 0 }] as const
    const engines = await openEngines(
      {
        core,
        gpus: gpus as never,
        devices: () => [cpu],
        here: () => ({ host, room: () => room }),
      },
      stack,
    )
    const capacity = createCapacity([NEAR, ...engines.farDevices], engines.nameOf)
    const machine = {
      devices: [cpu],
      backend: 'cpu',
      engine: 'docker',
      host,
      capacity,
      engines: engines.machines,
    }
    const miner = await startMiner({
      key,
      ledger,
      folder,
      endOnStop: false,
      engine: undefined as never,
      book: { engines: engines.hosts, capacity, room: () => room },
    })
    const service = watchEngine({ core: { log: silent, events: told }, hosting: miner.book })
    const look = async (): Promise<void> => {
      const ended = new AbortController()
      await service.start(ended.signal)
      ended.abort()
    }
    await look()
    const stop = async (): Promise<void> => {
      await miner.stop()
      await stack.disposeAsync()
    }
    const rows = (): EngineRow[] => engineRows(miner.book, machine)
    return { miner, look, stop, rows, free: () => capacity.free(), machines: engines.machines! }
  }
  type Started = Awaited<ReturnType<typeof start>>

  /** As the node offers it: with what a lease gets of that machine. */
  const offered = ({ miner, machines }: Started, at: 0 | 1) => {
    const { devices, isolation, host: whole, room: roomOf } = machines[at]!
    const of = hostWith(whole, roomOf!(devices.length))
    return miner.offer({ lot: 2 * at, devices: [...devices], host: of, isolation: isolation! })
  }
  const hostedOf = ({ book }: TestMiner, { id }: RentedNow): HostedNow => book.live.get(id)!
  const upMs = ({ lease }: HostedNow): number => lease.meter!.upMs
  const events = (): string[] => told.recent().map(({ event }) => event)

  test('an engine takes no stranger, and nobody takes another engine for it', async () => {
    const { url, tls } = config.engines[1]!
    const { client: other } = await makeEngineCertificates(await tempFolder(), LINK.there)
    const ask = async (files: object) => {
      const address = { url, tls: { ...tls!, ...files } }
      return dockerFacts(5_000, undefined, await dockerClientOf(address))
    }
    expect(await ask({})).toMatchObject({ cpuArch: process.arch, recent: true })
    const { ca, cert, key: theirs } = other
    const unknown = { code: 'ENGINE_UNKNOWN', message: expect.stringMatching(/certificate|alert/) }
    await expect(ask({ cert, key: theirs })).rejects.toMatchObject(unknown)
    await expect(ask({ ca })).rejects.toMatchObject(unknown)
  })

  test('certificates that are renewed need no restart, in whatever order their files come', async () => {
    const { url, tls } = config.engines[1]!
    const folder = dirname(tls!.ca)
    const engine = await createDockerEngine({
      address: { url, tls },
      nodeId: key.peerId,
      unfenced: true,
    })
    onTestFinished(() => engine.close())
    expect(await engine.check()).toBeUndefined()
    const before = await readFile(tls!.cert)
    // All three are new, and the engine trusts the new authority alone.
    await makeEngineCertificates(folder, LINK.there)
    const renewed = await readFile(tls!.cert)
    await writeFile(tls!.cert, before)
    expect(await engine.check()).toBeUndefined()
    // What is being made when it goes would make it go slowly.
    const running = () => dockerd.docker.listContainers()
    await until(async () => (await running()).length > 0, 'its network is prepared')
    await dockerd.stop('SIGTERM')
    await dockerd.start()
    expect(await engine.check()).toMatchObject({
      code: 'ENGINE_UNKNOWN',
      message: expect.stringMatching(/certificate|alert/),
    })
    await writeFile(tls!.cert, renewed)
    expect(await engine.check()).toBeUndefined()
    expect(await engine.list()).toEqual([])
  }, 60_000)

  test('a whole node offers on both, and tells of both', async () => {
    const { engines } = config
    await using node = await localNode({ roles: ['miner'], engines, price: '1', apiPort: 0 })
    const offers = () =>
      node.parts.offers
        .standing()
        .map(({ payload }) => payload)
        .toSorted((a, b) => a.lot - b.lot)
    await until(() => offers().length === 2, 'both are offered')
    expect(offers()).toMatchObject([
      { lot: 0, dph: '0.5', devices: [{ id: NEAR }], isolation: { fenced: true } },
      { lot: 2, dph: '0.5', devices: [{ id: FAR }], isolation: { fenced: false, remote: true } },
    ])
    expect(offers()[1]!.host).toMatchObject({ cpuName: 'unknown', cpuArch: process.arch })
    // What this node cannot prove is nothing that validators are told of.
    const announced = () => node.parts.capabilities.own()?.payload.devices.map(({ id }) => id)
    await until(() => announced()?.length === 1, 'it is announced')
    expect(announced()).toEqual([NEAR])
    using client = createControlClient(node.control.socketPath)
    const { engines: rows } = await client.get<NodeStatus>('/v1/status')
    expect(rows).toMatchObject([
      { name: 'here', url: 'unix:///var/run/docker.sock', state: 'answers', gpus: [NEAR] },
      { name: 'rig', url: FAR_URL, state: 'answers', gpus: [FAR], proven: false },
    ])

    const ready = async () => {
      const answer = await fetch(`${node.control.apiUrl}/readyz`)
      return [answer.status, await answer.json()]
    }
    const isUp = async (engine: string) =>
      shownIn(parseExposition(await client.text('/metrics')), 'compute_node_engine_up', { engine })
    expect(await ready()).toEqual([200, { ready: true, reasons: [] }])
    await dockerd.stop('SIGTERM')
    await until(async () => (await isUp('rig')) === 0, 'the engine is missed')
    expect(await isUp('here')).toBe(1)
    expect(await ready()).toEqual([503, { ready: false, reasons: ['engine rig'] }])
    await dockerd.start()
    await until(async () => (await isUp('rig')) === 1, 'it is back')
    expect(await ready()).toEqual([200, { ready: true, reasons: [] }])
  }, 180_000)

  test('leases on both: what happens to one engine is nothing to the other', async () => {
    const folder = await tempFolder()
    let now = await start(folder)
    onTestFinished(async () => {
      for (const { runs } of now.machines) {
        for (const container of await runs.list()) await container.remove({ graceMs: 0 })
      }
      await now.stop()
    })
    const renter = await startRenter({ key: freshKey(), ledger, miners: [now.miner] })
    ledger.grant(renter.key, 100_000_000n)
    expect(now.rows()).toMatchObject([
      { name: 'here', state: 'answers', gpus: [NEAR], proven: true, runtimes: expect.any(Array) },
      { name: 'rig', url: FAR_URL, version: expect.any(String), gpus: [FAR], proven: false },
    ])
    expect(now.free()).toEqual([NEAR, FAR])
    expect(now.machines.map(({ isolation }) => isolation)).toEqual([
      { runtime: 'runc', fenced: true, diskQuota: expect.any(Boolean) },
      { runtime: 'runc', fenced: false, diskQuota: expect.any(Boolean), remote: true },
    ])
    const both = { ...offered(now, 0).payload, devices: [cpu, { ...cpu, id: FAR }] }
    const order = orderOf(now.miner, { offer: now.miner.offer(both) })
    await expect(take(renter, order)).rejects.toMatchObject({ code: 'REFUSED_OFFER_GONE' })

    const leases = [
      await take(renter, orderOf(now.miner, { offer: offered(now, 0), durationMs: 600_000 })),
      await take(renter, orderOf(now.miner, { offer: offered(now, 1), durationMs: 600_000 })),
    ] as const
    const [near, far] = leases
    await until(() => leases.every(({ lease }) => lease.acknowledgedSeq > 0), 'both are served')
    expect(far.terms).toMatchObject({
      devices: [FAR],
      proofSharePpm: 0,
      isolation: { remote: true },
    })
    const inFar = await dockerd.docker.listContainers({
      filters: { label: [`cn.lease=${far.id}`] },
    })
    const inNear = await docker.listContainers({ filters: { label: [`cn.lease=${near.id}`] } })
    expect([inNear.length, inFar.length]).toEqual([1, 1])
    for (const { lease } of leases) {
      const command = ['sh', '-c', 'echo $((6 * 7)); exit 7']
      const ran = { renter, leaseId: lease.leaseId, miner: key.peerId, command }
      expect(await execIn(ran)).toMatchObject({ stdout: '42\n', exitCode: 7 })
    }

    // Its address would lead to somebody else's container here: a port is reached from inside.
    const inside = hostedOf(now.miner, far).container!
    await inside.spawn(['sh', '-c', 'echo from far >/tmp/a; httpd -f -p 127.0.0.1:7000 -h /tmp'])
    const page = async (): Promise<string> => {
      const socket = await inside.dial(7000)
      socket.end('GET /a HTTP/1.0\r\n\r\n')
      return text(socket)
    }
    await until(async () => (await page()).endsWith('from far\n'), 'its port answers')

    // One engine goes: unknown, unbilled, not offered; the other knows nothing of it.
    await dockerd.stop('SIGTERM')
    const hosted = hostedOf(now.miner, far)
    await until(() => hosted.lease.health === 'unknown' && far.lease.health === 'unknown', 'told')
    const before = { up: upMs(hosted), seq: near.lease.acknowledgedSeq }
    await now.look()
    expect(now.free()).toEqual([])
    expect(now.rows()).toMatchObject([{ state: 'answers' }, { state: 'away' }])
    expect(now.rows()[1]!.reason).toMatch(/rig does not answer/)
    expect(told.recent().at(-1)).toMatchObject({ event: 'engine-away', engine: 'rig' })
    await until(() => near.lease.acknowledgedSeq >= before.seq + 3, 'the other is metered')
    expect(hosted.lease).toMatchObject({ state: 'ACTIVE', health: 'unknown', hostEngine: 'rig' })
    expect(upMs(hosted)).toBe(before.up)
    const found = await checkEngine(config)
    expect(found.filter(({ check }) => check.startsWith('engine'))).toMatchObject([
      { check: 'engine here', ok: true, actual: expect.stringMatching(/unix.*runc.*answers/) },
      { check: 'engine rig', ok: false, actual: expect.stringMatching(/tcp.*not proven.*away/) },
    ])

    // The miner starts again meanwhile: what runs here is adopted, what runs there is still unknown.
    await now.stop()
    now = await start(folder)
    await meet(renter, now.miner)
    const [nearAgain, farAgain] = [hostedOf(now.miner, near), hostedOf(now.miner, far)]
    await until(() => nearAgain.container !== undefined, 'what runs here is adopted')
    const seq = near.lease.acknowledgedSeq
    await until(() => near.lease.acknowledgedSeq > seq, 'and goes on')
    expect(farAgain.lease).toMatchObject({ state: 'ACTIVE', health: 'unknown' })
    expect(now.free()).toEqual([])

    // It is back: looked at, and goes on, in the same container, unbilled for the time between.
    await dockerd.start()
    await until(() => farAgain.container !== undefined, 'what runs there is adopted')
    expect(upMs(farAgain)).toBe(before.up)
    expect(farAgain.container!.id).toBe(inFar[0]!.Id)
    await until(() => far.lease.health === 'ok' && upMs(farAgain) > before.up, 'it goes on')
    await now.look()
    expect(now.rows().map(({ state }) => state)).toEqual(['answers', 'answers'])
    expect(events()).toContain('engine-back')

    // It goes once more, and both leases end: also the one of it, at once. What it runs goes when it is back.
    await dockerd.stop('SIGTERM')
    for (const one of leases) await stopLease(renter, one)
    await until(() => leases.every(({ lease }) => isOver(lease)), 'both are over')
    expect(leases.map(({ lease }) => lease.ending?.code)).toEqual([
      'renter-stopped',
      'renter-stopped',
    ])
    expect(far.lease.settled).toBe(far.lease.cumulative)
    expect(now.free()).not.toContain(FAR)
    await dockerd.start()
    await until(() => now.miner.book.live.size === 0, 'its container is gone')
    expect(await now.machines[1]!.runs.list()).toEqual([])
    await now.look()
    expect(now.free()).toEqual([NEAR, FAR])
  }, 120_000)
})
