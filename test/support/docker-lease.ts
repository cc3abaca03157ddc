import { onTestFinished } from 'vitest'
import { docker, testEngine } from './docker.ts'
import { FakeLedger } from './fake-ledger.ts'
import {
  freshKey,
  orderOf,
  startMiner,
  startRenter,
  type TestRenter,
  take,
} from './lease-market.ts'
import { until } from './peers.ts'

/** A lease that runs in a real container, between real peers; `command` is its main process (without one it idles). */
export async function dockerLease(
  options: {
    readonly command?: readonly string[]
    readonly shellGraceMs?: number
    readonly snapshotGraceMs?: number
  } = {},
) {
  const { command, ...rest } = options
  const engine = await testEngine()
  onTestFinished(() => engine[Symbol.asyncDispose]())
  const ledger = new FakeLedger()
  const miner = await startMiner({ key: freshKey(), ledger, engine, ...rest })
  const [renter, friend] = await Promise.all([
    startRenter({ key: freshKey(), ledger, miners: [miner] }),
    startRenter({ key: freshKey(), ledger, miners: [miner] }),
  ])
  ledger.grant(renter.key, 10_000_000n)
  const wish = command === undefined ? {} : { command: [...command] }
  const order = orderOf(miner, { ...wish, durationMs: 600_000, authorized: [friend.key.peerId] })
  const now = await take(renter, order)
  await until(() => now.lease.state === 'ACTIVE', 60_000)
  const at = { leaseId: now.lease.leaseId, miner: miner.key.peerId }
  return { engine, miner, renter, friend, now, at }
}

/** Breaks the peer's connections, without a word to the other end's programs. */
export function cutConnections({ peer }: TestRenter): void {
  for (const connection of peer.libp2p.getConnections()) connection.abort(new Error('cut'))
}

/** The command lines that run in a lease's container. */
export async function processesOf(leaseId: Uint8Array): Promise<string[]> {
  const id = Buffer.from(leaseId).toString('hex')
  const found = await docker.listContainers({ filters: { name: [id] } })
  const { Processes } = await docker.getContainer(found[0]!.Id).top({ ps_args: '-eo pid,args' })
  return Processes.map((row: string[]) => row.slice(1).join(' '))
}
