import { z } from 'zod'
import { MiB, secondsMs } from '../units.ts'
import { cborCodec } from './codec.ts'
import { integer } from './fields.ts'
import { defineTunnel } from './tunnel.ts'

/** The most that one direction carries, and for how long. */
export const BANDWIDTH_BYTES = 64 * MiB
export const BANDWIDTH_MS = secondsMs(2)

const request = z.looseObject({
  /** As the asker sees it: `down` is what the answerer sends. */
  direction: z.enum(['down', 'up']),
  maxBytes: integer(1, BANDWIDTH_BYTES),
  maxMs: integer(1, BANDWIDTH_MS),
})

/**
 * Measures the way between two peers: bytes on channel 0, in one direction, until either limit is reached. `down`: the
 * answerer sends and ends. `up`: the asker sends, and the answerer says on channel 0 how much came (`carriedCodec`). A
 * peer answers one at a time, when it has nothing better to do, and rests afterwards; it may refuse at any moment.
 */
export const bandwidth = defineTunnel({
  name: 'bandwidth',
  request: cborCodec(request, 64),
  // Refusals count too, and whoever is refused may ask again.
  limits: { requestBytes: 64, timeoutMs: secondsMs(10), perPeerPerMinute: 12 },
})

/** What came of an asker's bytes, and the time from its first to its last. */
export const carriedCodec = cborCodec(
  z.looseObject({ bytes: integer(0, 2 ** 40), ms: integer(0, 2 ** 31) }),
  64,
)
