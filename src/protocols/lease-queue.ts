import { z } from 'zod'
import { hoursMs, KiB, secondsMs } from '../units.ts'
import { bytes, bytesUpTo, integer } from './fields.ts'
import { imageName } from './image-name.ts'

/** What a renter holds of its place: random, so that nobody else can ask for it or leave it. */
export const ticketBytes = () => bytes(16)

/** Asks for a place in the miner's queue, for what `reserve` with the same fields would ask for. */
export const enqueueRequest = z.looseObject({
  kind: z.literal('enqueue'),
  /** An offer of this miner that stands; its price is what the turn will be quoted at. */
  offer: bytesUpTo(4 * KiB),
  durationMs: integer(1000, hoursMs(24 * 366)),
  image: imageName(),
  devices: integer(1, 32).optional(),
  exclusive: z.literal(true).optional(),
})
/** Where a ticket stands; with `notPosition`, answered when it stands elsewhere or after `waitMs`. */
export const placeRequest = z.looseObject({
  kind: z.literal('place'),
  ticket: ticketBytes(),
  notPosition: integer(0, 10_000).optional(),
  waitMs: integer(0, secondsMs(20)).optional(),
})
/** Gives the place up, and the turn with it. */
export const leaveRequest = z.looseObject({ kind: z.literal('leave'), ticket: ticketBytes() })
/** How long the queue is for who would join it now. */
export const lineRequest = z.looseObject({ kind: z.literal('line') })

const etaMs = () => integer(0, hoursMs(24 * 366 * 10))

/** A place in a queue. */
export const place = z.looseObject({
  ticket: ticketBytes(),
  /** 0: its turn, the devices are held for it; 1: the next one. */
  position: integer(0, 10_000),
  /** How many requests wait in all. */
  waiting: integer(0, 10_000),
  /** Until its turn, by what runs now; absent: nobody can tell. */
  etaMs: etaMs().optional(),
  /** With position 0: how long the devices are still held for it. */
  turnMs: integer(0, secondsMs(600)).optional(),
})
export type Place = z.infer<typeof place>

export const placeResponse = z.looseObject({ kind: z.literal('place'), place })
export const leftResponse = z.looseObject({ kind: z.literal('left') })
export const lineResponse = z.looseObject({
  kind: z.literal('line'),
  waiting: integer(0, 10_000),
  /** Until the turn of who joins now; absent: nobody can tell. */
  etaMs: etaMs().optional(),
})
export type Line = z.infer<typeof lineResponse>
