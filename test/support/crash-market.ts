import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { DepositRail } from '../../src/chain/payment-rail.ts'
import { checkEvidence } from '../../src/node/leases/check-evidence.ts'
import { isOver } from '../../src/node/leases/lease-machine.ts'
import { makeEvidence } from '../../src/node/leases/make-evidence.ts'
import { settleAll } from '../../src/node/services/settle.ts'
import { faultOf } from '../../src/protocols/lease-endings.ts'
import { evidenceCodec } from '../../src/protocols/lease-evidence.ts'
import type { RecordKey } from '../../src/protocols/seal.ts'
import type { Victim, VictimNews } from './crash-victims.ts'
import { type DevLedgerChain, startDevLedgerChain } from './dev-ledger-chain.ts'
import { orderOf, stopLease, type TestMiner, type TestRenter, take } from './lease-market.ts'
import { type OwnDockerd, startOwnDockerd } from './own-dockerd.ts'

/** Waits until something holds, on a machine that is busy. */
export const until = (done: () => boolean | Promise<boolean>, what = String(done)): Promise<void> =>
  vi.waitFor(
    async () => {
      if (!(await done())) throw new Error(`still not so: ${what}`)
    },
    { timeout: 120_000, interval: 50 },
  )

/** An engine of its own, and the embedded chain's ledger, which other processes reach too. */
export interface CrashGround extends DevLedgerChain {
  readonly dockerd: OwnDockerd
}

export async function startGround(): Promise<CrashGround> {
  const [dockerd, ledger] = await Promise.all([startOwnDockerd(), startDevLedgerChain()])
  return {
    ...ledger,
    dockerd,
    async [Symbol.asyncDispose]() {
      await ledger[Symbol.asyncDispose]()
      await dockerd[Symbol.asyncDispose]()
    },
  }
}

/** A process with nodes that stop dead at their points. */
export interface Victims {
  /** Resolves with a miner's addresses once it is up. */
  up(name: string): Promise<readonly string[]>
  /** Resolves once it stands at its point. */
  there(name: string): Promise<void>
  /** Kills the process, with all of them. */
  kill(): Promise<void>
}

export async function startVictims(
  { dockerd, chain: { url, genesis } }: CrashGround,
  victims: readonly Victim[],
): Promise<Victims> {
  const env = { ...process.env, DOCKER_HOST: dockerd.host }
  const program = join(import.meta.dirname, 'crash-victims.ts')
  const child: ChildProcess = fork(program, { env, execArgv: [], serialization: 'advanced' })
  const news: VictimNews[] = []
  child.on('message', (one: VictimNews) => news.push(one))
  child.send({ chain: { url, genesis }, victims })
  const heard = async (name: string, kind: VictimNews['kind']): Promise<VictimNews> => {
    await until(
      () =>
        news.some((one) => one.name === name && one.kind !== 'up') ||
        news.some((one) => one.name === name && one.kind === kind),
      `${name}: ${kind}`,
    )
    const failed = news.find((one) => one.name === name && one.kind === 'failed')
    if (failed?.kind === 'failed') throw new Error(`${name}: ${failed.reason}`)
    return news.find((one) => one.name === name && one.kind === kind)!
  }
  return {
    async up(name) {
      const one = await heard(name, 'up')
      return one.kind === 'up' ? one.addrs : []
    },
    there: async (name) => void (await heard(name, 'there')),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** How a lease ended, as `code (whose fault)`; both sides must say the same. */
export async function endingOnBoth(
  miner: TestMiner,
  renter: TestRenter,
  id: string,
): Promise<string> {
  await until(async () => {
    const sides = [await miner.book.records.get(id), await renter.book.records.get(id)]
    return sides.every((lease) => lease === undefined || isOver(lease))
  }, `${id} is over`)
  const [hosted, rented] = [await miner.book.records.get(id), await renter.book.records.get(id)]
  const texts = [hosted, rented].map((lease) =>
    lease === undefined ? 'no record' : `${lease.ending?.code} (${faultOf(lease.ending)})`,
  )
  return texts[0] === texts[1] ? texts[0]! : texts.join(' / ')
}

/** What must hold after any crash, whatever became of the lease: papers, money, engine, and the next lease. */
export async function expectInOrder(
  { dockerd }: Pick<CrashGround, 'dockerd'>,
  {
    miner,
    renter,
    id,
    granted,
    railOf,
  }: {
    readonly miner: TestMiner
    readonly renter: TestRenter
    readonly id: string
    /** What both had before, together. */
    readonly granted: bigint
    readonly railOf: (key: RecordKey) => DepositRail
  },
): Promise<void> {
  await settleAll(renter.book) // as its service does now and then
  const lease = (await renter.book.records.get(id))!
  const finding = checkEvidence(evidenceCodec.encode(await makeEvidence(renter.book, lease)))
  expect(finding.checks.filter(({ ok }) => !ok)).toEqual([])
  const total = async (): Promise<bigint> => {
    const both = [miner.key, renter.key].map((key) => railOf(key).balance())
    return (await Promise.all(both)).reduce((sum, balance) => sum + balance.total, 0n)
  }
  expect(await total()).toBe(granted)
  const escrow = await railOf(miner.key).escrow.inspect(lease.leaseId)
  expect(escrow?.state ?? 'none').toMatch(/^(closed|none)$/)
  const paid = escrow?.claimed ?? 0n
  expect(BigInt(lease.settled ?? -1)).toBe(paid)
  expect(paid).toBeLessThanOrEqual(BigInt(lease.cumulative))
  expect(await containersOf(dockerd, id)).toEqual([])
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
  expect(miner.book.live.has(id)).toBe(false)

  const next = await take(renter, orderOf(miner))
  await until(() => next.lease.state !== 'AGREED' && next.lease.state !== 'STARTING')
  expect(next.lease).toMatchObject({ state: 'ACTIVE' })
  await stopLease(renter, next)
  await until(() => isOver(next.lease))
  expect(next.lease).toMatchObject({ state: 'SETTLED', settled: next.lease.cumulative })
  expect(await total()).toBe(granted)
}

/** A lease's containers, and those that hold a network for it. */
export async function containersOf({ docker }: OwnDockerd, lease: string): Promise<string[]> {
  const all = await docker.listContainers({ all: true })
  return all.flatMap(({ Names }) => Names).filter((name) => name.includes(lease))
}

/** All containers of a node, in whatever state; a node that runs keeps one that holds a network. */
export async function containersOfNode({ docker }: OwnDockerd, nodeId: string): Promise<string[]> {
  const all = await docker.listContainers({ all: true, filters: { label: [`cn.node=${nodeId}`] } })
  return all.flatMap(({ Names }) => Names)
}
