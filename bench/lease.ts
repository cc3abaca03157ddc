import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { NodeError } from '../src/errors.ts'
import { type ControlClient, withQuery } from '../src/node/control/client.ts'
import type { LeaseView } from '../src/node/leases/lease-view.ts'
import { channels } from '../src/protocols/session.ts'
import { type Bench, median, quantile } from './support/bench.ts'
import { assertDocker, IMAGE, offerStands, startLeaseMarket } from './support/lease-market.ts'

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
    const { client } = await startLeaseMarket(stack, progress)
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
