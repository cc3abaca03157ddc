import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NodeError } from '../../src/errors.ts'
import { type ControlClient, createControlClient } from '../../src/node/control/client.ts'
import { startChild } from '../../src/node/devnet/child.ts'
import type { LeaseView } from '../../src/node/leases/lease-view.ts'

/** What every lease of a benchmark runs. */
export const IMAGE = 'busybox:1.37'

export interface LeaseMarket {
  /** The renter's control API. */
  readonly client: ControlClient
  /** The renter's data folder, for commands. */
  readonly renterDir: string
  /** The renter's control API on loopback. */
  readonly apiUrl: string
}

/** @throws ENGINE_ABSENT without a Docker Engine that has IMAGE */
export async function assertDocker(): Promise<void> {
  const child = spawn('docker', ['image', 'inspect', IMAGE], { stdio: 'ignore' })
  const [code] = (await Promise.race([
    once(child, 'close'),
    once(child, 'error').then(() => [-1]),
  ])) as [number]
  if (code === 0) return
  throw new NodeError('ENGINE_ABSENT', `no Docker Engine with ${IMAGE} answers here`, {
    next: '.ci/ensure-docker.sh installs one; docker pull busybox:1.37 or compute-node devnet makes the image',
  })
}

/** A chain with its ledger, a miner and a renter, each its own process; they end with `stack`. */
export async function startLeaseMarket(
  stack: AsyncDisposableStack,
  progress: (line: string) => void,
): Promise<LeaseMarket> {
  const root = await mkdtemp(join(tmpdir(), 'cn-bench-lease-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const { signal } = new AbortController()
  const start = async (name: string, args: readonly string[]) => {
    progress(`starting ${name}`)
    const dataDir = join(root, name)
    const own = [...args, '--data-dir', dataDir, '--json']
    const child = await startChild({ name, args: own, dataDir, env: process.env, signal })
    stack.defer(() => child.stop())
    return child.ready
  }
  const chain = await start('chain', ['chain', 'dev', '--port', '0', '--netuid', '1'])
  const genesis = String(chain['genesis']).replace(/^0x/, '')
  const common = [
    ...['--network', 'local', '--netuid', '1', '--genesis', genesis],
    ...['--chain', String(chain['url']), '--listen', '/ip4/127.0.0.1/tcp/0'],
  ]
  const priced = ['--role', 'miner', '--engine', 'docker', '--price', '0.6']
  const miner = await start('miner', [...common, ...priced])
  const [address] = miner['addrs'] as [string]
  const asRenter = ['--role', 'renter', '--api-port', '0']
  const renter = await start('renter', [...common, ...asRenter, '--bootstrap', address])
  const client = stack.use(createControlClient(String(renter['control'])))
  return { client, renterDir: join(root, 'renter'), apiUrl: String(renter['api']) }
}

/** The device comes free when the last lease's container is gone; its offer follows by gossip. */
export async function offerStands(client: ControlClient): Promise<void> {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; ) {
    const { items } = await client.get<{ items: unknown[] }>('/v1/offers')
    if (items.length > 0) return
    await delay(20)
  }
  throw new NodeError('FAILED', 'no offer reached the renter')
}

/** A lease of IMAGE that does nothing by itself, for an hour: its id, once it runs. */
export async function idlingLease(client: ControlClient): Promise<string> {
  await offerStands(client)
  const { id } = await client.post<LeaseView>('/v1/leases', { image: IMAGE, durationMs: 3_600_000 })
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; await delay(50)) {
    if ((await client.get<LeaseView>(`/v1/leases/${id}`)).state === 'ACTIVE') return id
  }
  throw new NodeError('FAILED', 'the lease did not start')
}
