import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NodeError } from '../src/errors.ts'
import { type ControlClient, createControlClient, withQuery } from '../src/node/control/client.ts'
import { startChild } from '../src/node/devnet/child.ts'
import type { LeaseView } from '../src/node/leases/lease-view.ts'
import { channels } from '../src/protocols/session.ts'
import { type Bench, median, quantile } from './support/bench.ts'

const IMAGE = 'busybox:1.37'
const COMMAND = ['echo', 'hello']
const WARM_UPS = 2
const TURNS = 15

export const bench: Bench = {
  name: 'lease',
  measures:
    'request on a running renter node to first output (quote, both signatures, escrow, container, session) beside `docker run`',
  targets: { ratioToDockerRun: { atMost: 1.5 } },
  async run(progress) {
    await assertDocker()
    await using stack = new AsyncDisposableStack()
    const client = await startMarket(stack, progress)
    const [leases, runs]: [number[], number[]] = [[], []]
    // Turn by turn, so that whatever else this machine does falls on both alike.
    for (let turn = -WARM_UPS; turn < TURNS; turn++) {
      await offerStands(client)
      const leaseMs = await timeLease(client)
      const runMs = await timeDockerRun()
      if (turn < 0) continue
      leases.push(leaseMs)
      runs.push(runMs)
      progress(
        `${turn + 1}/${TURNS}: lease ${leaseMs.toFixed(0)} ms, docker run ${runMs.toFixed(0)} ms`,
      )
    }
    return {
      figures: {
        leaseMs: median(leases),
        leaseP90Ms: quantile(leases, 0.9),
        ratioToDockerRun: median(leases) / median(runs),
      },
      yardstick: { dockerRunMs: median(runs), dockerRunP90Ms: quantile(runs, 0.9) },
    }
  },
}

async function assertDocker(): Promise<void> {
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

/** A chain with its ledger, a miner and a renter, each its own process; resolves with the renter's control API. */
async function startMarket(
  stack: AsyncDisposableStack,
  progress: (line: string) => void,
): Promise<ControlClient> {
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
  const renter = await start('renter', [...common, '--role', 'renter', '--bootstrap', address])
  return stack.use(createControlClient(String(renter['control'])))
}

/** The device comes free when the last lease's container is gone; its offer follows by gossip. */
async function offerStands(client: ControlClient): Promise<void> {
  for (const endMs = Date.now() + 60_000; Date.now() < endMs; ) {
    const { items } = await client.get<{ items: unknown[] }>('/v1/offers')
    if (items.length > 0) return
    await delay(20)
  }
  throw new NodeError('FAILED', 'no offer reached the renter')
}

async function timeLease(client: ControlClient): Promise<number> {
  const startMs = performance.now()
  const { id } = await client.post<LeaseView>('/v1/leases', { image: IMAGE, durationMs: 3_600_000 })
  const request = JSON.stringify({ command: COMMAND })
  const socket = await client.webSocket(withQuery(`/v1/leases/${id}/exec`, { request }))
  const closed = once(socket, 'close')
  const printed = new Promise<number>((resolve, reject) => {
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary && data[0] === channels.stdout) resolve(performance.now() - startMs)
    })
    socket.once('close', () => reject(new NodeError('FAILED', 'the command printed nothing')))
  })
  socket.resume()
  const firstOutputMs = await printed
  await closed
  await client.post(`/v1/leases/${id}/stop`)
  return firstOutputMs
}

async function timeDockerRun(): Promise<number> {
  const startMs = performance.now()
  const child = spawn('docker', ['run', '--rm', IMAGE, ...COMMAND], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  await once(child.stdout!, 'data')
  const firstOutputMs = performance.now() - startMs
  await closed
  return firstOutputMs
}
