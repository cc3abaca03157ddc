import { z } from 'zod'
import { KiB, secondsMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, integer, text } from './fields.ts'
import { execRequest } from './session-exec.ts'
import { terminalSize } from './session-fields.ts'
import { filesRequest } from './session-files.ts'
import { loginRequest } from './session-login.ts'
import { logsRequest } from './session-logs.ts'
import { portRequest } from './session-port.ts'
import { resumeRequest, shellRequest } from './session-shell.ts'
import { snapshotRequest } from './session-snapshot.ts'
import { usageRequest } from './session-usage.ts'

/** The channels of a session's frames. */
export const channels = { stdin: 0, stdout: 1, stderr: 2, control: 3 } as const

/** What a session does; each kind's request stands in a file of its own beside this one. */
const request = z.discriminatedUnion('kind', [
  execRequest,
  shellRequest,
  resumeRequest,
  logsRequest,
  loginRequest,
  portRequest,
  filesRequest,
  snapshotRequest,
  usageRequest,
])

const MAX_REQUEST_BYTES = 64 * KiB
const requestCodec = cborCodec(request, MAX_REQUEST_BYTES)
export type SessionRequest = Message<typeof requestCodec>
export type SessionKind = SessionRequest['kind']
/** The request of one kind. */
export type SessionOf<K extends SessionKind> = Extract<SessionRequest, { readonly kind: K }>

type WithoutLease<R> = R extends unknown
  ? { [K in keyof R as string extends K ? never : K extends 'leaseId' ? never : K]: R[K] }
  : never
/** A request before it is known for which lease; the keys of later versions left out. */
export type SessionAsk = WithoutLease<SessionRequest>

/** Bytes into and out of a container; only the keys that the terms authorize may open one. */
export const sessionProtocol = {
  name: 'session',
  request: requestCodec,
  /** The wait covers a container that is just starting. */
  limits: {
    requestBytes: MAX_REQUEST_BYTES,
    timeoutMs: secondsMs(60),
    // A page of a forwarded web service opens a dozen connections, each a session.
    perPeerPerMinute: 1200,
    // The ports of one lease, and some commands beside them.
    openPerPeer: 192,
  },
} as const

const count = integer(0, Number.MAX_SAFE_INTEGER)
/** How many bytes of what the other end of a terminal sent have come, all its connections together. */
const received = z.looseObject({ kind: z.literal('received'), received: count })

/**
 * To the miner: the input ended, the terminal changed its size, or a signal for the command. Of a terminal that can be
 * resumed, and of a snapshot when it is whole, also what has come of it, and whether the miner is there: it answers `ping` with `received`.
 */
const toMiner = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('eof') }),
  z.looseObject({ kind: z.literal('resize'), ...terminalSize }),
  z.looseObject({
    kind: z.literal('signal'),
    signal: z.enum(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL']),
  }),
  received,
  z.looseObject({ kind: z.literal('ping'), received: count }),
])
/**
 * To the renter: the command began, ended with a code, or could not be run to its end. A terminal's `started` has the
 * token to resume it with and how long that works; `resumed` tells how much of the input had come. `detached` tells
 * the id of a command that runs on by itself. `eof`: a port's service sends no more. A snapshot's `started` tells
 * about how many bytes come and from where it goes on (0 when absent), and `whole` at its end how many it has, with
 * their SHA-256.
 */
const toRenter = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('started'),
    token: bytes(16).optional(),
    graceMs: integer(0, 86_400_000).optional(),
    aboutBytes: count.optional(),
    fromBytes: count.optional(),
  }),
  z.looseObject({ kind: z.literal('eof') }),
  z.looseObject({ kind: z.literal('exit'), exitCode: integer(0, 255) }),
  z.looseObject({ kind: z.literal('failed'), code: text(64), message: text(500) }),
  z.looseObject({ kind: z.literal('resumed'), received: count }),
  received,
  z.looseObject({ kind: z.literal('detached'), id: text(64) }),
  z.looseObject({ kind: z.literal('whole'), bytes: count, sha256: bytes(32) }),
])

/** What travels on the control channel. */
export const controlToMiner = cborCodec(toMiner, KiB)
export const controlToRenter = cborCodec(toRenter, 4 * KiB)
export type ControlToMiner = Message<typeof controlToMiner>
export type ControlToRenter = Message<typeof controlToRenter>
