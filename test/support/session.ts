import { openSession } from '../../src/node/leases/open-session.ts'
import { channels, controlToMiner, controlToRenter } from '../../src/protocols/session.ts'
import type { TestRenter } from './lease-market.ts'

export interface SessionResult {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number | undefined
}

interface SessionOptions {
  readonly renter: TestRenter
  readonly leaseId: Uint8Array
  readonly miner: string
  readonly command: readonly string[]
  readonly stdin?: Uint8Array
  /** Where and as whom it runs. */
  readonly place?: {
    readonly workingDir?: string
    readonly user?: string
    readonly detach?: boolean
  }
  readonly signal?: AbortSignal
}

/** Runs a command in a lease and collects what it prints. */
export async function execIn(options: SessionOptions): Promise<SessionResult> {
  const { renter, leaseId, miner, command, stdin } = options
  const signal = options.signal ?? new AbortController().signal
  const base = { kind: 'exec' as const, command: [...command], tty: false, env: {} }
  const request = { ...base, ...options.place }
  const channel = await openSession(renter.book, { leaseId, miner }, request, signal)
  const printed = { [channels.stdout]: '', [channels.stderr]: '' } as Record<number, string>
  let exitCode: number | undefined
  const feed = async (): Promise<void> => {
    if (stdin !== undefined) await channel.send(channels.stdin, stdin)
    await channel.send(channels.control, controlToMiner.encode({ kind: 'eof' }))
  }
  const fed = feed()
  for await (const { channel: from, data } of channel.frames()) {
    if (from !== channels.control) printed[from] += Buffer.from(data).toString()
    else {
      const control = controlToRenter.decode(data)
      if (control.kind === 'exit') exitCode = control.exitCode
    }
  }
  await fed
  await channel.end()
  return { stdout: printed[1]!, stderr: printed[2]!, exitCode }
}
