import type { ServerChannel } from 'ssh2'
import { leasePath } from '../commands/lease-path.ts'
import { openWhenStarted } from '../commands/session-socket.ts'
import { withQuery } from '../control/client.ts'
import { type SessionStreams, sessionStreams } from '../control/session-client.ts'
import type { SshLease } from './ssh-lease.ts'

/** Names by which a client may mean the lease itself, beside its own: a tunnel leads to its ports and nowhere else. */
const OWN = /^(localhost|127\.\d+\.\d+\.\d+|::1|0\.0\.0\.0|lease)$/i

/** `ssh -L`, `-D` and `-W`: a connection to a port of the lease, each direction ending by itself. */
export function serveTcp(
  lease: SshLease,
  { host, port }: { readonly host: string; readonly port: number },
  accept: () => ServerChannel,
  refuse: () => void,
): void {
  const serve = async (): Promise<void> => {
    if (!OWN.test(host) && host.toLowerCase() !== lease.hostName) return refuse()
    let session: SessionStreams
    try {
      const path = withQuery(leasePath(lease.lease, '/port'), { port })
      session = sessionStreams(await openWhenStarted(lease.client, path, lease.signal))
    } catch {
      return refuse() // the client says so; SSH carries no reason of ours
    }
    join(accept(), session)
  }
  void serve()
}

function join(channel: ServerChannel, { stdin, stdout, ended, close }: SessionStreams): void {
  channel.on('error', () => undefined).once('close', close)
  channel.pipe(stdin)
  stdout.pipe(channel, { end: false })
  // Ending the channel would close its other direction too.
  stdout.once('end', () => channel.eof())
  const over = (): void => void channel.end()
  ended.then(over, over)
}
