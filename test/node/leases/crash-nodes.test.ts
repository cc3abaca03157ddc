import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { atMost } from '../../../src/at-most.ts'
import { codeOf } from '../../../src/errors.ts'
import { dropQuotes } from '../../../src/node/leases/host-answers.ts'
import { isOver } from '../../../src/node/leases/lease-machine.ts'
import { sealOffer } from '../../../src/protocols/offers.ts'
import {
  type CrashGround,
  endingOnBoth,
  expectInOrder,
  startVictims,
  until,
} from '../../support/crash-market.ts'
import type { CrashPoint } from '../../support/crash-point.ts'
import { startScenes } from '../../support/crash-scenes.ts'
import type { Victim } from '../../support/crash-victims.ts'
import {
  offerOf,
  startMiner,
  startRenter,
  stopLease,
  type TestMiner,
  type TestRenter,
  take,
  tempFolder,
} from '../../support/lease-market.ts'
import { testKey } from '../../support/market.ts'
import { noOwnDockerd } from '../../support/own-dockerd.ts'

/** What the renter does while the miner comes to the point where it is killed. */
type Way = 'runs' | 'stops' | 'leaves' | 'leaves and comes back'

interface Row {
  readonly at: CrashPoint
  readonly way?: Way
  /** What both sides say in the end; `goes on`: the lease runs after the restart, until its renter stops it. */
  readonly ends: string
}

/** The miner is killed at: */
const minerRows: readonly Row[] = [
  { at: 'stored QUOTED', ends: 'no lease' },
  { at: 'stored AGREED', ends: 'miner-restarted (miner)' },
  { at: 'stored STARTING', ends: 'miner-restarted (miner)' },
  { at: 'pulling', ends: 'miner-restarted (miner)' },
  { at: 'created', ends: 'miner-restarted (miner)' },
  { at: 'started', ends: 'miner-restarted (miner)' },
  { at: 'stored ACTIVE', ends: 'goes on' },
  { at: 'stored signed', ends: 'goes on' },
  { at: 'stored GRACE', way: 'leaves', ends: 'goes on' },
  { at: 'stored SUSPENDED', way: 'leaves', ends: 'goes on' },
  { at: 'paused', way: 'leaves', ends: 'goes on' },
  { at: 'resumed', way: 'leaves and comes back', ends: 'goes on' },
  { at: 'stored CLOSING', way: 'stops', ends: 'renter-stopped (renter)' },
  { at: 'removed', way: 'stops', ends: 'renter-stopped (renter)' },
  { at: 'settled', way: 'stops', ends: 'renter-stopped (renter)' },
  { at: 'stored SETTLED', way: 'stops', ends: 'renter-stopped (renter)' },
]

/** The renter is killed at: */
const renterRows: readonly Row[] = [
  { at: 'stored QUOTED', ends: 'no record / not-begun (nobody)' },
  { at: 'opening', ends: 'not-paid (renter)' },
  { at: 'opened', ends: 'goes on' },
  { at: 'stored STARTING', ends: 'goes on' },
  { at: 'stored ACTIVE', ends: 'goes on' },
  { at: 'stored signed', ends: 'goes on' },
  { at: 'stored CLOSING', way: 'stops', ends: 'renter-stopped (renter)' },
  { at: 'stored SETTLED', way: 'stops', ends: 'renter-stopped (renter)' },
]

const CREDIT = { creditMs: 1500, graceMs: 90_000, receiptEveryMs: 300 }
const PATIENT = { creditMs: 90_000, graceMs: 90_000, receiptEveryMs: 300 }
/** Two cores do no more at once within the network's patience. */
const some = atMost(3)
const nameOf = ({ at }: Row): string => at

describe.skipIf(noOwnDockerd)('a node killed with SIGKILL at each step of a lease', () => {
  let ground: Awaited<ReturnType<typeof startScenes>>
  const railOf = (key: Parameters<CrashGround['railOf']>[0]) => ground.railOf(key)
  beforeAll(async () => {
    ground = await startScenes()
  })
  afterAll(() => ground[Symbol.asyncDispose]())

  /** All rows at once; what each found, beside what it should. */
  async function expectRows(
    rows: readonly Row[],
    run: (row: Row, index: number) => Promise<string>,
  ): Promise<void> {
    const found = await Promise.allSettled(rows.map((row, i) => some(() => run(row, i))))
    const said = found.map((one) =>
      one.status === 'fulfilled' ? one.value : `BROKEN: ${one.reason?.message ?? one.reason}`,
    )
    const table = rows.map((row, i) => `${nameOf(row).padEnd(18)} ${said[i]}`)
    console.info(table.join('\n'))
    expect(said).toEqual(rows.map(({ ends }) => ends))
  }

  const minersKilled = async (): Promise<void> => {
    const victims: Victim[] = await Promise.all(
      minerRows.map(async (row, i) => ({
        name: nameOf(row),
        role: 'miner' as const,
        seed: 10 + i,
        folder: await tempFolder(),
        at: row.at,
        book: row.way?.startsWith('leaves') === true ? CREDIT : PATIENT,
      })),
    )
    const process_ = await startVictims(ground, victims)
    onTestFinished(() => process_.kill())
    const begun = async (row: Row, i: number) => {
      const addrs = await process_.up(nameOf(row))
      const key = testKey(60 + i)
      await railOf(key).faucet()
      const folder = await tempFolder()
      const known = {
        peer: { libp2p: { getMultiaddrs: () => addrs.map((one) => multiaddr(one)) } },
      } as unknown as TestMiner
      const begin = () =>
        startRenter({ key, net: ground.net, ledger: { railOf }, folder, miners: [known] })
      const renter = await begin()
      const minerKey = testKey(10 + i)
      const offer = sealOffer(ground.net, minerKey, offerOf(minerKey))
      const order = { offer, image: 'busybox:1.37', durationMs: 120_000 }
      const taken = take(renter, order).then(
        () => undefined,
        (error: unknown) => codeOf(error),
      )
      const driven = await drive(renter, row, begin)
      await process_.there(nameOf(row))
      return { taken, folder, key, renter: driven }
    }
    const first = await Promise.all(minerRows.map((row, i) => some(() => begun(row, i))))
    await process_.kill()
    const killedAtMs = Date.now()

    await expectRows(minerRows, async (row, i) => {
      const { key, folder, taken, renter: old } = first[i]!
      const code = await taken
      const miner = await startMiner({
        net: ground.net,
        key: testKey(10 + i),
        ledger: { railOf },
        engine: await ground.engineOf(testKey(10 + i).peerId),
        folder: victims[i]!.folder,
        endOnStop: false,
        book: PATIENT,
      })
      const backAtMs = Date.now()
      await old.stop()
      const renter = await startRenter({
        key,
        net: ground.net,
        ledger: { railOf },
        folder,
        miners: [miner],
      })
      const [stored] = await renter.book.records.all()
      if (stored === undefined) {
        expect(code).toMatch(/^PEER_/)
        expect(await miner.book.records.all()).toEqual([])
        expect(miner.book.capacity.free()).toEqual(['cpu-0'])
        return 'no lease'
      }
      const id = Buffer.from(stored.leaseId).toString('hex')
      const ends = await endOf(row, miner, renter, id, { killedAtMs, backAtMs })
      await expectInOrder(ground, { miner, renter, id, granted: ground.granted, railOf })
      return ends
    })
  }

  const rentersKilled = async (): Promise<void> => {
    const miners = await Promise.all(
      renterRows.map((_, i) =>
        some(async () => {
          const key = testKey(120 + i)
          const engine = await ground.engineOf(key.peerId)
          return startMiner({ net: ground.net, key, ledger: { railOf }, engine, book: PATIENT })
        }),
      ),
    )
    const victims: Victim[] = await Promise.all(
      renterRows.map(async (row, i) => ({
        name: nameOf(row),
        role: 'renter' as const,
        seed: 160 + i,
        folder: await tempFolder(),
        at: row.at,
        stops: row.way === 'stops',
        miner: {
          addrs: miners[i]!.peer.libp2p.getMultiaddrs().map(String),
          offer: miners[i]!.offer().bytes,
        },
      })),
    )
    const renters = await startVictims(ground, victims)
    onTestFinished(() => renters.kill())
    await Promise.all(renterRows.map((row) => renters.there(nameOf(row))))
    await renters.kill()

    await expectRows(renterRows, async (row, i) => {
      const miner = miners[i]!
      const { folder, seed } = victims[i]!
      const key = testKey(seed)
      const options = { key, net: ground.net, ledger: { railOf }, folder, miners: [miner] }
      const renter = await startRenter(options)
      const [stored] = await renter.book.records.all()
      const id = Buffer.from(stored!.leaseId).toString('hex')
      // As after half a minute, when the quote is not good any more.
      await dropQuotes(miner.book, () => true)
      const ends = await endOf(row, miner, renter, id)
      await expectInOrder(ground, { miner, renter, id, granted: ground.granted, railOf })
      return ends
    })
  }

  // Both at once: a row of the renters waits out the time that a miner gives its renter to pay.
  test('a miner, and a renter', async () => {
    const sides = await Promise.allSettled([minersKilled(), rentersKilled()])
    expect(sides.flatMap((side) => (side.status === 'rejected' ? [side.reason] : []))).toEqual([])
  }, 480_000)

  /** Brings the lease to its row's point, from the renter's side. */
  async function drive(
    renter: TestRenter,
    { way = 'runs' }: Row,
    begin: () => Promise<TestRenter>,
  ): Promise<TestRenter> {
    if (way === 'runs') return renter
    await until(
      () =>
        [...renter.book.live.values()].some(
          ({ lease }) => lease.state === 'ACTIVE' && lease.acknowledgedSeq > 0,
        ),
      'it is active',
    )
    const now = [...renter.book.live.values()][0]!
    if (way === 'stops') {
      // A miner that is killed meanwhile answers nothing.
      stopLease(renter, now).catch(() => undefined)
      return renter
    }
    await renter.stop()
    if (way === 'leaves') return renter
    await until(async () => {
      const paused = { status: ['paused'], name: [now.id] }
      return (await ground.dockerd.docker.listContainers({ filters: paused })).length > 0
    }, 'it is paused')
    return begin()
  }

  /** Follows a lease to its end after the restart. */
  async function endOf(
    row: Row,
    miner: TestMiner,
    renter: TestRenter,
    id: string,
    down?: { killedAtMs: number; backAtMs: number },
  ): Promise<string> {
    if (row.ends !== 'goes on') return endingOnBoth(miner, renter, id)
    const now = renter.book.live.get(id)
    const hosted = miner.book.live.get(id)
    if (now === undefined || hosted === undefined) return endingOnBoth(miner, renter, id)
    const seq = hosted.lease.meter?.seq ?? 0
    const goesOn = () => hosted.lease.state === 'ACTIVE' && now.lease.meter.seq >= seq + 2
    await until(() => isOver(now.lease) || (goesOn() && now.lease.health === 'ok'), 'it goes on')
    const { State } = await ground.dockerd.docker.getContainer(hosted.container!.id).inspect()
    expect(State).toMatchObject({ Running: true, Paused: false })
    await stopLease(renter, now)
    const ends = await endingOnBoth(miner, renter, id)
    if (down !== undefined) {
      // Nobody pays for the time in which nobody watched.
      const { startedAtMs = 0 } = now.lease
      const servedMs = Date.now() - startedAtMs - (down.backAtMs - down.killedAtMs)
      expect(now.lease.meter.upMs).toBeLessThanOrEqual(servedMs)
    }
    return ends === 'renter-stopped (renter)' ? 'goes on' : ends
  }
})
