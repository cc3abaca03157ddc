import {
  controlToMiner,
  controlToRenter,
  type SessionRequest,
  sessionProtocol,
} from '../../src/protocols/session.ts'
import { logFrames } from '../../src/protocols/session-logs.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const leaseId = new Uint8Array(32).fill(1)
const token = new Uint8Array(16).fill(2)
const at = '2026-01-02T03:04:05.000000006Z'

/** One request of each kind that lease.json has not, and variants. */
export const sessionRequests: Readonly<Record<string, SessionRequest>> = {
  execDetached: {
    ...{ leaseId, kind: 'exec', command: ['sleep', '9'], tty: false, env: { A: 'b' } },
    ...{ detach: true, workingDir: '/tmp', user: 'nobody:users' },
  },
  shell: { leaseId, kind: 'shell', env: { TERM: 'xterm' }, size: { columns: 80, rows: 24 } },
  resume: { leaseId, kind: 'resume', token, received: 65_536 },
  logs: { leaseId, kind: 'logs' },
  logsFollowed: {
    ...{ leaseId, kind: 'logs', follow: true, tail: 20, since: at, timestamps: true },
  },
  loginShell: {
    ...{ leaseId, kind: 'login', run: 'shell', tty: { columns: 80, rows: 24 }, env: {} },
  },
  loginCommand: { leaseId, kind: 'login', run: 'command', line: 'echo "$0" | cat', env: {} },
  loginSftp: { leaseId, kind: 'login', run: 'sftp', env: { LANG: 'C' } },
  port: { leaseId, kind: 'port', port: 8888 },
}

/** What sessions write: made anew here, compared with test/vectors/session.json. */
export const sessionVectors = () => ({
  requests: Object.fromEntries(
    Object.entries(sessionRequests).map(([name, request]) => [
      name,
      hex(sessionProtocol.request.encode(request)),
    ]),
  ),
  toMiner: {
    eof: hex(controlToMiner.encode({ kind: 'eof' })),
    signal: hex(controlToMiner.encode({ kind: 'signal', signal: 'SIGTERM' })),
    received: hex(controlToMiner.encode({ kind: 'received', received: 32_768 })),
    ping: hex(controlToMiner.encode({ kind: 'ping', received: 0 })),
  },
  toRenter: {
    started: hex(controlToRenter.encode({ kind: 'started' })),
    startedShell: hex(controlToRenter.encode({ kind: 'started', token, graceMs: 60_000 })),
    resumed: hex(controlToRenter.encode({ kind: 'resumed', received: 7 })),
    eof: hex(controlToRenter.encode({ kind: 'eof' })),
    detached: hex(controlToRenter.encode({ kind: 'detached', id: '73140a31f4187723' })),
    failed: hex(
      controlToRenter.encode({ kind: 'failed', code: 'ENGINE_UNKNOWN', message: 'it is gone' }),
    ),
  },
  logRecord: logFrames(at, Buffer.from('a line\n')).map(hex),
})
