import { z } from 'zod'
import { whole } from './common.ts'
import { leaseNamed } from './leases.ts'
import { route } from './route.ts'

/** What a session's caller sends beside its input. */
/** How far the caller reads, for one whose socket cannot be held back. */
export const outputWindow = z
  .looseObject({
    kind: z.literal('window'),
    upTo: z.int().min(0).describe('bytes of output, counted from the first one'),
  })
  .describe('no more output than that is sent until the next one; without any, all of it is')

const toNode = z.discriminatedUnion('kind', [
  outputWindow,
  z.looseObject({ kind: z.literal('eof') }).describe('the input ended'),
  z.looseObject({
    kind: z.literal('resize'),
    columns: z.int().min(1).max(10_000),
    rows: z.int().min(1).max(10_000),
  }),
  z.looseObject({
    kind: z.literal('signal'),
    signal: z.enum(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL']),
  }),
])

const started = z.looseObject({ kind: z.literal('started') })
const exit = z
  .looseObject({ kind: z.literal('exit'), exitCode: z.int().min(0).max(255) })
  .describe('it ended, and all of its output came before')
const failed = z
  .looseObject({ kind: z.literal('failed'), code: z.string(), message: z.string() })
  .describe('it could not be run to its end')
const detached = z
  .looseObject({ kind: z.literal('detached'), id: z.string() })
  .describe('it runs on by itself')
const lost = z
  .strictObject({ kind: z.literal('lost') })
  .describe('the connection to the miner broke; it is opened anew')
const resumed = z.looseObject({ kind: z.literal('resumed') }).describe('and goes on where it was')
const eof = z.looseObject({ kind: z.literal('eof') }).describe('nothing comes any more')
const complete = z.looseObject({ kind: z.literal('whole'), bytes: whole, sha256: z.string() })

/** What the node says of a command. */
const ofCommand = z.discriminatedUnion('kind', [started, exit, failed, detached])
const ofShell = z.discriminatedUnion('kind', [started, lost, resumed, exit, failed])

const inAndOut = 'first byte: 0 input; 1 output, 2 error output'

const env = z.record(z.string(), z.string()).default({})
const size = { columns: z.int(), rows: z.int() }

const execAsked = z.strictObject({
  command: z.array(z.string()).min(1),
  tty: z.boolean().default(false),
  env,
  detach: z.boolean().optional().describe('it runs on when the socket closes'),
  workingDir: z.string().optional(),
  user: z.string().optional(),
})
export type ExecAsked = z.input<typeof execAsked>

const shellAsked = z.strictObject({
  command: z.array(z.string()).min(1).optional().describe('absent: a login shell'),
  size: z.strictObject(size),
  env,
  workingDir: z.string().optional(),
  user: z.string().optional(),
})
export type ShellAsked = z.input<typeof shellAsked>

const logsAsked = z.strictObject({
  follow: z.boolean().default(false),
  tail: z.int().optional().describe('only the last so many lines'),
  since: z.string().optional().describe('UTC with nine places'),
  timestamps: z.boolean().default(false),
})
export type LogsAsked = z.input<typeof logsAsked>

const loginAsked = z.strictObject({
  run: z.enum(['shell', 'command', 'sftp']),
  line: z.string().optional(),
  tty: z.strictObject(size).optional(),
  env,
})
export type LoginAsked = z.input<typeof loginAsked>

const filesAsked = z.strictObject({
  workingDir: z.string().optional(),
  user: z.string().optional(),
})
export type FilesAsked = z.input<typeof filesAsked>

const snapshotAsked = z.strictObject({
  tag: z.string(),
  pause: z.boolean().default(true),
  maxBytes: z.int().optional(),
  have: z
    .strictObject({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) })
    .optional()
    .describe('what came before the connection broke'),
})
export type SnapshotAsked = z.input<typeof snapshotAsked>

const port = z.coerce.number().int().min(1).max(65_535)

/** What the node says of a forwarded port. */
const forwardMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('listening'), bind: z.string(), local: whole }),
  z
    .looseObject({
      kind: z.literal('failed'),
      code: z.string(),
      message: z.string(),
      next: z.string().optional(),
    })
    .describe('one connection could not be carried'),
])
export type ForwardMessage = z.infer<typeof forwardMessage>

export const sessionRoutes = {
  execInLease: route({
    method: 'GET',
    path: '/v1/leases/:id/exec',
    scope: 'rent',
    kind: 'socket',
    summary: 'A command in a lease',
    description: 'Closing the socket hangs up on the command, unless it was to `detach`.',
    params: leaseNamed,
    request: execAsked,
    messages: { toNode, toCaller: ofCommand, binary: inAndOut },
  }),
  shellInLease: route({
    method: 'GET',
    path: '/v1/leases/:id/shell',
    scope: 'rent',
    kind: 'socket',
    summary: 'A terminal in a lease',
    description: 'It outlives its connection to the miner. Closing the socket hangs up.',
    params: leaseNamed,
    request: shellAsked,
    messages: { toNode, toCaller: ofShell, binary: 'first byte: 0 input; 1 output' },
  }),
  readLeaseLogs: route({
    method: 'GET',
    path: '/v1/leases/:id/logs',
    scope: 'rent',
    kind: 'socket',
    summary: 'What the main process of a lease prints',
    params: leaseNamed,
    request: logsAsked,
    messages: {
      toCaller: z.discriminatedUnion('kind', [lost, resumed, exit]),
      binary: 'first byte: 1 output, 2 error output',
    },
  }),
  loginToLease: route({
    method: 'GET',
    path: '/v1/leases/:id/login',
    scope: 'rent',
    kind: 'socket',
    summary: 'What an SSH client asks for in a lease',
    params: leaseNamed,
    request: loginAsked,
    messages: { toNode, toCaller: ofCommand, binary: inAndOut },
  }),
  connectToPort: route({
    method: 'GET',
    path: '/v1/leases/:id/port',
    scope: 'rent',
    kind: 'socket',
    summary: 'A connection to a port in a lease',
    params: leaseNamed,
    query: z.object({ port }),
    messages: {
      toNode: z.looseObject({ kind: z.literal('eof') }),
      toCaller: z.discriminatedUnion('kind', [started, eof, failed]),
      binary: 'first byte: 0 to the service; 1 from it',
    },
  }),
  forwardPort: route({
    method: 'GET',
    path: '/v1/leases/:id/forward',
    scope: 'rent',
    kind: 'socket',
    summary: 'A port of this machine that reaches one in a lease, while the socket is open',
    params: leaseNamed,
    query: z.object({
      port: port.describe('in the lease'),
      bind: z.string().max(64).default('127.0.0.1').describe('address of this machine'),
      local: z.coerce.number().int().min(0).max(65_535).default(0).describe('0: any free one'),
    }),
    messages: { toCaller: forwardMessage },
  }),
  snapshotLease: route({
    method: 'GET',
    path: '/v1/leases/:id/snapshot',
    scope: 'rent',
    kind: 'socket',
    summary: 'The container as an archive for `docker load`',
    params: leaseNamed,
    request: snapshotAsked,
    messages: {
      toCaller: z.discriminatedUnion('kind', [started, complete, exit, failed]),
      binary: 'first byte: 1 the archive',
    },
  }),
  copyFiles: route({
    method: 'GET',
    path: '/v1/leases/:id/files',
    scope: 'rent',
    kind: 'frames',
    summary: 'Files of a lease, both ways',
    description:
      'Each frame is one of a session of kind `files` (docs/wire.md), untouched; either end says when its direction has ended.',
    params: leaseNamed,
    request: filesAsked,
  }),
}
