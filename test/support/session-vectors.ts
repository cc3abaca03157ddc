import {
  controlToMiner,
  controlToRenter,
  type SessionRequest,
  sessionProtocol,
} from '../../src/protocols/session.ts'
import {
  type FilesToMiner,
  type FilesToRenter,
  filesToMiner,
  filesToRenter,
} from '../../src/protocols/session-files.ts'
import { logFrames } from '../../src/protocols/session-logs.ts'
import { type UsageSample, usageSample } from '../../src/protocols/session-usage.ts'

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
  files: { leaseId, kind: 'files', workingDir: '/tmp', user: 'nobody' },
  snapshot: { leaseId, kind: 'snapshot', tag: 'my-work:1', pause: true, maxBytes: 1_000_000_000 },
  usage: { leaseId, kind: 'usage' },
  usageSlow: { leaseId, kind: 'usage', everyMs: 5000 },
}

const sha256 = new Uint8Array(32).fill(3)
const [size, mode, mtime] = [5_000_000, 0o644, 1_767_323_045]

/** What a renter says of files, one of each kind. */
export const filesAsked: Readonly<Record<string, FilesToMiner>> = {
  look: { kind: 'look', path: 'data', deep: true },
  lookNear: { kind: 'look', path: '.', deep: false, near: true },
  names: { kind: 'names', root: '/data', paths: ['a.txt', 'sub/b'] },
  read: { kind: 'read', path: '/data/large', offset: 0 },
  readOn: { kind: 'read', path: '/data/large', offset: 4096, prefix: sha256 },
  put: {
    ...{ kind: 'put', root: '/data' },
    entries: [
      { type: 'folder', path: 'sub' },
      { type: 'file', path: 'sub/b', size: 3, mode, mtime },
      { type: 'link', path: 'sub/c', target: '../a.txt' },
    ],
  },
  sum: { kind: 'sum', sha256 },
  write: { kind: 'write', path: '/data/large', part: '/data/.cn-part-1', offset: 0 },
  writeOn: {
    ...{ kind: 'write', path: '/data/large', part: '/data/.cn-part-1' },
    ...{ offset: 4096, prefix: sha256 },
  },
  writeOnce: {
    ...{ kind: 'write', path: '/data/small', part: '/data/.cn-part-1' },
    ...{ offset: 0, once: true },
  },
  commit: { kind: 'commit', size, sha256, mode, mtime },
  modes: {
    ...{ kind: 'modes', root: '/data', modes: [{ path: 'sub', mode: 0o755 }] },
    mark: '.cn-part-2',
  },
}

/** What a miner says of files, one of each kind. */
export const filesAnswered: Readonly<Record<string, FilesToRenter>> = {
  entries: {
    kind: 'entries',
    entries: [
      { path: '', type: 'folder', size: 0, mode: 0o755, mtime, uid: 0, gid: 0, links: 2 },
      { path: 'a.txt', type: 'file', size: 3, mode, mtime, uid: 1000, gid: 100, links: 1 },
    ],
  },
  file: { kind: 'file', offset: 0, size },
  link: { kind: 'link', target: '../a.txt' },
  sum: { kind: 'sum', sha256 },
  from: { kind: 'from', offset: 4096 },
  done: { kind: 'done' },
  doneNear: { kind: 'done', at: '/root/data' },
}

const limits = { milliCpus: 4000, memoryLimitMiB: 8192, diskLimitMiB: 10_240 }
const atMs = 1_767_323_045_000

/** What a miner tells of a lease that is watched: all of it, and nothing where its engine does not answer. */
export const usageTold: Readonly<Record<string, UsageSample>> = {
  known: {
    ...{ atMs, ...limits, cpuMs: 12_345, memoryBytes: 734_003_200, diskMiB: 512 },
    ...{ rxBytes: 1_000_000, txBytes: 20_000, processes: 7 },
    gpus: [
      {
        ...{ id: 'pci-0000:01:00.0', loadPercent: 97, memoryMiB: 20_480 },
        ...{ temperatureC: 64, milliWatts: 312_500 },
      },
    ],
  },
  unknown: {
    ...{ atMs, ...limits, cpuMs: null, memoryBytes: null, diskMiB: null },
    ...{ rxBytes: null, txBytes: null, processes: null },
    gpus: [
      { id: 'cpu-0', loadPercent: null, memoryMiB: null, temperatureC: null, milliWatts: null },
    ],
  },
}

const encoded = <T>(messages: Readonly<Record<string, T>>, encode: (message: T) => Uint8Array) =>
  Object.fromEntries(
    Object.entries(messages).map(([name, message]) => [name, hex(encode(message))]),
  )

/** What sessions write: made anew here, compared with test/vectors/session.json. */
export const sessionVectors = () => ({
  requests: encoded(sessionRequests, sessionProtocol.request.encode),
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
    startedSnapshot: hex(controlToRenter.encode({ kind: 'started', aboutBytes: size })),
    whole: hex(controlToRenter.encode({ kind: 'whole', bytes: size, sha256 })),
    failed: hex(
      controlToRenter.encode({ kind: 'failed', code: 'ENGINE_UNKNOWN', message: 'it is gone' }),
    ),
  },
  filesToMiner: encoded(filesAsked, filesToMiner.encode),
  filesToRenter: encoded(filesAnswered, filesToRenter.encode),
  usageToRenter: encoded(usageTold, usageSample.encode),
  logRecord: logFrames(at, Buffer.from('a line\n')).map(hex),
})
