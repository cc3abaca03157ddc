import { z } from 'zod'
import { KiB, secondsMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, integer } from './fields.ts'
import { defineProtocol } from './protocol.ts'
import { defineTopic } from './topic.ts'

const round = () => integer(1, Number.MAX_SAFE_INTEGER)

/** A beacon's pulse as it travels: whoever carries it adds nothing, so it is no signed record. */
const pulse = z.looseObject({ round: round(), signature: bytes(48) })
export const pulseCodec = cborCodec(pulse, 128)
export type SignedPulse = Message<typeof pulseCodec>

/** Beacon pulses, so that one node with a source feeds all. */
export const pulsesTopic = defineTopic({
  name: 'pulses',
  maxBytes: 128,
  score: { weight: 0.5, expectedPerMinute: 20 },
})

/** Rounds one request may ask for. */
export const MAX_PULSES = 64

/** Pulses that a node missed, from one that has them; rounds the answerer lacks are left out. */
export const pulses = defineProtocol({
  name: 'pulses',
  request: cborCodec(z.looseObject({ rounds: z.array(round()).min(1).max(MAX_PULSES) }), 2 * KiB),
  response: cborCodec(z.looseObject({ pulses: z.array(pulse).max(MAX_PULSES) }), 8 * KiB),
  limits: {
    requestBytes: 2 * KiB,
    responseBytes: 8 * KiB,
    timeoutMs: secondsMs(5),
    perPeerPerMinute: 60,
  },
})
