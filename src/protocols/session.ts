import { z } from 'zod'
import { KiB, secondsMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, integer, text } from './fields.ts'
import { commandLine } from './terms.ts'

/** The channels of a session's frames. */
export const channels = { stdin: 0, stdout: 1, stderr: 2, control: 3 } as const

const environment = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/), z.string().max(8 * KiB))
  .refine((env) => Object.keys(env).length <= 64, 'at most 64 variables')

/**
 * `exec` runs a command in the lease's container; `logs` is the newest that its main process printed.
 */
const request = z.looseObject({
  leaseId: bytes(32),
  kind: z.enum(['exec', 'logs']),
  command: commandLine().optional(),
  tty: z.boolean(),
  env: environment,
})

const MAX_REQUEST_BYTES = 64 * KiB
const requestCodec = cborCodec(request, MAX_REQUEST_BYTES)
export type SessionRequest = Message<typeof requestCodec>

/** Bytes into and out of a container; only the keys that the terms authorize may open one. */
export const sessionProtocol = {
  name: 'session',
  request: requestCodec,
  /** The wait covers a container that is just starting. */
  limits: { requestBytes: MAX_REQUEST_BYTES, timeoutMs: secondsMs(60), perPeerPerMinute: 240 },
} as const

const terminalSize = { columns: integer(1, 10_000), rows: integer(1, 10_000) }

/** To the miner: the input ended, the terminal changed its size, or a signal for the command. */
const toMiner = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('eof') }),
  z.looseObject({ kind: z.literal('resize'), ...terminalSize }),
  z.looseObject({
    kind: z.literal('signal'),
    signal: z.enum(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL']),
  }),
])
/** To the renter: the command began, ended with a code, or could not be run to its end. */
const toRenter = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('started') }),
  z.looseObject({ kind: z.literal('exit'), exitCode: integer(0, 255) }),
  z.looseObject({ kind: z.literal('failed'), code: text(64), message: text(500) }),
])

/** What travels on the control channel. */
export const controlToMiner = cborCodec(toMiner, KiB)
export const controlToRenter = cborCodec(toRenter, 4 * KiB)
export type ControlToMiner = Message<typeof controlToMiner>
export type ControlToRenter = Message<typeof controlToRenter>
