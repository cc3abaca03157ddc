import { z } from 'zod'
import { healths, leaseStates } from '../lease-states.ts'
import { hoursMs, KiB, secondsMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { EXTENSION_MAX_BYTES } from './extension.ts'
import {
  baseUnits,
  bytes,
  bytesUpTo,
  codeName,
  integer,
  MAX_REASON,
  peerIdText,
  text,
  timeMs,
} from './fields.ts'
import { imageName } from './image-name.ts'
import {
  enqueueRequest,
  leaveRequest,
  leftResponse,
  lineRequest,
  lineResponse,
  placeRequest,
  placeResponse,
  ticketBytes,
} from './lease-queue.ts'
import { defineProtocol } from './protocol.ts'
import { environment } from './session-fields.ts'
import { commandLine, MAX_AUTHORIZED, TERMS_MAX_BYTES } from './terms.ts'
import { askedVolumes, listVolumes, removeVolume, volumesAnswer } from './volumes.ts'

const leaseId = bytes(32)

/** At most this many bytes of a login: tokens of clouds have up to 3 KiB. */
export const MAX_REGISTRY_AUTH_BYTES = 8 * KiB

/** Holds capacity and asks for terms that the miner has already signed. */
const reserve = z.looseObject({
  kind: z.literal('reserve'),
  /** The offer as its miner signed it: what it says is what it must quote. */
  offer: bytesUpTo(4 * KiB),
  nonce: bytes(16),
  durationMs: integer(1000, hoursMs(24 * 366)),
  image: imageName(),
  command: commandLine().optional(),
  /** How many of the offer's devices; all of them when absent. */
  devices: integer(1, 32).optional(),
  /** Asks that they prove nothing meanwhile, at the offer's price for that. */
  exclusive: z.literal(true).optional(),
  /** How far the renter is going to sign in advance; not at all when absent. */
  prepaidMs: integer(1000, hoursMs(24 * 366)).optional(),
  /** What it keeps beyond the lease. */
  volumes: askedVolumes().optional(),
  authorized: z.array(peerIdText()).max(MAX_AUTHORIZED),
  /** A ticket of the queue whose turn it is (lease-queue.ts); its offer stands for it beyond its expiry. */
  ticket: ticketBytes().optional(),
})
/** All variables of a container together, in characters. */
export const MAX_ENV_CHARS = 16 * KiB

/** Variables of the container's processes. */
export const containerEnv = () =>
  environment()
    .refine(
      (env) => Object.entries(env).every(([name, value]) => !(name + value).includes('\0')),
      'must not contain NUL',
    )
    .refine(
      (env) => Object.entries(env).flat().join('').length <= MAX_ENV_CHARS,
      `at most ${MAX_ENV_CHARS} characters in all`,
    )

/**
 * Takes the quote: the same terms, signed by the renter. The container starts; repeating it changes nothing. Variables
 * may be secrets: they stand here and not in the terms, which are kept; the miner holds them in memory until the
 * container has them.
 */
const accept = z.looseObject({
  kind: z.literal('accept'),
  terms: bytesUpTo(TERMS_MAX_BYTES),
  env: containerEnv().optional(),
  /**
   * A login at the image's registry, for this one pull: not in the terms, because those are kept. The stream is
   * encrypted; the miner holds it in memory only, and wipes it after.
   */
  registryAuth: bytesUpTo(MAX_REGISTRY_AUTH_BYTES).optional(),
})
/**
 * Where the lease stands; with `notState`, answered when it stands elsewhere, when `progress` is not `said` any more
 * (`''`: none), or after `waitMs`.
 */
const status = z.looseObject({
  kind: z.literal('status'),
  leaseId,
  notState: z.enum(leaseStates).optional(),
  said: text(200).optional(),
  waitMs: integer(0, secondsMs(20)).optional(),
})
/** Ends the lease; only its renter may. `disputed`: because of what the miner metered. */
const stop = z.looseObject({
  kind: z.literal('stop'),
  leaseId,
  reason: text(120),
  disputed: z.literal(true).optional(),
})

/**
 * More time: an extension as its renter signed it (extension.ts). Asked once for the miner's signature, and again once the
 * money is there, from when on it counts; repeating it changes nothing.
 */
const extend = z.looseObject({
  kind: z.literal('extend'),
  leaseId,
  extension: bytesUpTo(EXTENSION_MAX_BYTES),
})
/** Freezes everything in the container, which goes on to cost what it cost; only the renter may. */
const pause = z.looseObject({ kind: z.literal('pause'), leaseId })
/** Lets it go on. */
const resume = z.looseObject({ kind: z.literal('resume'), leaseId })

/** What the renter of a lease, or a peer it authorized, is told. */
export const leaseStatus = z.looseObject({
  leaseId,
  state: z.enum(leaseStates),
  health: z.enum(healths),
  /** The engine's label, e.g. `docker 20.10.24`. */
  engine: text(96),
  /** What it is doing, e.g. `pulling busybox:1.37`. */
  progress: text(200).optional(),
  startedAtMs: timeMs().optional(),
  expiresAtMs: timeMs().optional(),
  /** Why it ended. */
  reason: text(MAX_REASON).optional(),
  /** The same as a code of lease-endings.ts. */
  ending: codeName().optional(),
  /** The newest receipt. */
  seq: integer(0, Number.MAX_SAFE_INTEGER),
  cumulative: baseUnits(),
})

const request = z.discriminatedUnion('kind', [
  reserve,
  accept,
  status,
  stop,
  extend,
  pause,
  resume,
  enqueueRequest,
  placeRequest,
  leaveRequest,
  lineRequest,
  listVolumes,
  removeVolume,
])
const response = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('quote'), terms: bytesUpTo(TERMS_MAX_BYTES) }),
  z.looseObject({ kind: z.literal('status'), status: leaseStatus }),
  placeResponse,
  leftResponse,
  lineResponse,
  /** The extension as the miner signed it; `counts`: the money for it is there, and the lease runs until then. */
  z.looseObject({
    kind: z.literal('extension'),
    extension: bytesUpTo(EXTENSION_MAX_BYTES),
    counts: z.boolean(),
  }),
  volumesAnswer,
])

const MAX_REQUEST_BYTES = TERMS_MAX_BYTES + MAX_REGISTRY_AUTH_BYTES + 4 * MAX_ENV_CHARS + 4 * KiB

const requestCodec = cborCodec(request, MAX_REQUEST_BYTES)
const MAX_RESPONSE_BYTES = TERMS_MAX_BYTES + MAX_REGISTRY_AUTH_BYTES + 2 * KiB
const responseCodec = cborCodec(response, MAX_RESPONSE_BYTES)
export type LeaseRequest = Message<typeof requestCodec>
export type LeaseResponse = Message<typeof responseCodec>
export type ReserveRequest = Extract<LeaseRequest, { kind: 'reserve' }>
export type LeaseStatus = z.infer<typeof leaseStatus>

/** Taking, watching, changing and ending a lease. Two round trips reach a container that starts: reserve, then accept. */
export const leaseProtocol = defineProtocol({
  name: 'lease',
  request: requestCodec,
  response: responseCodec,
  limits: {
    requestBytes: MAX_REQUEST_BYTES,
    responseBytes: MAX_RESPONSE_BYTES,
    timeoutMs: secondsMs(30),
    perPeerPerMinute: 240,
  },
})
