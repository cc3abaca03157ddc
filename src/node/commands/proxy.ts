import { Duplex, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { NodeError } from '../../errors.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { sessionStreams } from '../control/session-client.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run, Terminal } from './command.ts'
import { leasePath } from './lease-path.ts'
import { nameLease } from './name-lease.ts'
import { openWhenStarted } from './session-socket.ts'

/** Joins stdin and stdout to a port in a lease, or with `ssh` to an SSH server for it: for ProxyCommand and the like. */
export const proxy: Run = (context) => {
  const [lease, to] = context.args as [string, string]
  return withNode(context, (client) =>
    to === 'ssh' ? proxySsh(client, lease, context) : proxyPort(client, lease, portOf(to), context),
  )
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new NodeError('BAD_CONFIG_USAGE', `"${text}" is neither a port nor the word ssh`, {
    next: 'compute-node proxy --help',
  })
}

async function proxyPort(
  client: ControlClient,
  lease: string,
  port: number,
  { terminal, signal }: CommandContext,
): Promise<number> {
  const path = withQuery(leasePath(lease, '/port'), { port })
  const session = sessionStreams(await openWhenStarted(client, path, signal))
  signal.addEventListener('abort', session.close, { once: true })
  const sent = pipeline(terminal.stdin, session.stdin).catch(() => undefined) // `ended` tells what broke
  await Promise.all([
    pipeline(session.stdout, terminal.stdout as Writable, { end: false }),
    session.ended,
    sent,
  ])
  return 0
}

async function proxySsh(
  client: ControlClient,
  lease: string,
  { config, terminal, signal }: CommandContext,
): Promise<number> {
  const [{ serveSsh }, { hostName, leaseHostKey }] = await Promise.all([
    import('../ssh/serve-ssh.ts'),
    import('../ssh/host-key.ts'),
  ])
  const { id } = await nameLease(client, lease)
  const { privateKey } = await leaseHostKey(config.dataDir, id)
  await serveSsh(transportOf(terminal), privateKey, {
    ...{ client, lease, signal },
    hostName: hostName(id),
  })
  return 0
}

/** Both streams of the terminal as one. */
const transportOf = ({ stdin, stdout }: Terminal): Duplex =>
  Duplex.from({ readable: stdin, writable: stdout as Writable })
