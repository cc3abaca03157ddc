import { sleep } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { ControlClient } from '../control/client.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { runCommand } from './run-command.ts'
import type { LeaseSummary } from './summary.ts'

export interface TakeLeaseOptions {
  /** The renter's folder, and its control client. */
  readonly dataDir: string
  readonly client: ControlClient
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
}

/** What the renter runs: long enough for receipts to be exchanged while it does. */
const COMMAND = ['sh', '-c', 'echo "hello from $(uname -s)"; sleep 3; echo done']
const SETTLED_MS = secondsMs(30)
const LOOK_MS = 100

/** Rents by the command line, as a person would, and waits until it is settled. @throws FAILED_LEASE */
export async function takeLease(options: TakeLeaseOptions): Promise<LeaseSummary> {
  const { dataDir, client, env, signal } = options
  const before = new Set((await leasesOf(client)).map(({ id }) => id))
  const args = ['rent', '--data-dir', dataDir, '--hours', '0.1', '--', ...COMMAND]
  const result = await runCommand(args, { env, signal })
  if (result.exitCode !== 0) {
    const why = result.stderr.trim().split('\n').slice(-2).join(' ')
    throw new NodeError('FAILED_LEASE', `rent ended with ${result.exitCode}: ${why}`)
  }
  const taken = (await leasesOf(client)).find(({ id }) => !before.has(id))
  if (taken === undefined) throw new NodeError('FAILED_LEASE', 'rent took no lease')
  const lease = await untilSettled(client, taken.id, signal)
  return {
    id: lease.id,
    engine: lease.engine ?? '',
    exitCode: result.exitCode,
    stdout: result.stdout,
    receipts: lease.receipts,
    settled: true,
  }
}

const leasesOf = async (client: ControlClient): Promise<LeaseView[]> =>
  (await client.get<{ items: LeaseView[] }>('/v1/leases')).items

async function untilSettled(
  client: ControlClient,
  id: string,
  signal: AbortSignal,
): Promise<LeaseView> {
  const giveUpAtMs = Date.now() + SETTLED_MS
  for (;;) {
    const lease = await client.get<LeaseView>(`/v1/leases/${id}`)
    if (lease.settled !== null) return lease
    if (Date.now() > giveUpAtMs) {
      throw new NodeError('FAILED_LEASE', `lease ${id} is ${lease.state}, and was not settled`)
    }
    await sleep(LOOK_MS, signal)
  }
}
