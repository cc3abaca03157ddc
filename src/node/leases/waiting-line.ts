import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { NowMs } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { cborCodec, type Message } from '../../protocols/codec.ts'
import { bytesUpTo, integer, peerIdText, text, timeMs } from '../../protocols/fields.ts'
import { ticketBytes } from '../../protocols/lease-queue.ts'
import type { QuotaKey } from '../../protocols/quota.ts'
import { KiB, secondsMs } from '../../units.ts'
import type { Store } from '../store.ts'
import type { Capacity } from './capacity.ts'
import type { Changes } from './changes.ts'
import { hexOf } from './lease-records.ts'
import {
  afterTurn,
  inOrder,
  NO_TURNS,
  roundOf,
  type TurnsSoFar,
  type Waiting,
} from './queue-order.ts'

/** A renter that is silent for longer has left: a place that nobody keeps would only look like a queue. */
export const QUEUE_GRACE_MS = secondsMs(60)
/** Between two questions of a renter that waits: it is there, so it may be given a turn. */
const PRESENT_MS = secondsMs(5)
/** How long a turn holds its devices; as long as a quote does. */
export const TURN_MS = secondsMs(30)

const MAX_COUNT = Number.MAX_SAFE_INTEGER

/** A request that waits, as it is kept. */
const ticketCodec = cborCodec(
  z.looseObject({
    ticket: ticketBytes(),
    renter: peerIdText(),
    prefix: text(64).optional(),
    stranger: z.boolean(),
    seq: integer(0, MAX_COUNT),
    round: integer(0, MAX_COUNT),
    sinceMs: timeMs(),
    offer: bytesUpTo(4 * KiB),
    durationMs: integer(1, MAX_COUNT),
    /** What it runs; absent in records of an earlier version. */
    image: text(255).optional(),
    exclusive: z.literal(true).optional(),
    /** The devices of the offer, and how many of them it wants. */
    devices: z.array(text(64)).max(32),
    count: integer(1, 32),
    /** The first time that it was told for its turn, by the steady clock; absent before there was one. */
    toldAtMs: timeMs().optional(),
  }),
  16 * KiB,
)
export type Ticket = Message<typeof ticketCodec>

/** What a renter asks for when it joins. */
export type TicketRequest = Pick<
  Ticket,
  | 'renter'
  | 'prefix'
  | 'stranger'
  | 'offer'
  | 'image'
  | 'durationMs'
  | 'exclusive'
  | 'devices'
  | 'count'
>

/** A ticket, and how it stands with it in this process. */
export interface WaitingNow extends Waiting {
  /** As it is kept. */
  ticket: Ticket
  /** What is held for it, and until when by the steady clock; undefined before its turn. */
  turn: { readonly devices: readonly string[]; readonly untilMs: number } | undefined
  /** When its renter last asked, by the steady clock, and how often it asks now. */
  seenMs: number
  asking: number
}

export interface WaitingLineNeeds {
  readonly store: Store
  readonly log: Log
  readonly changes: Changes
  readonly capacity: Capacity
  readonly nowMs: NowMs
  readonly steadyMs: NowMs
}

/** The key of `changes` under which everything that moves the queue is told. */
export const QUEUE_CHANGED = 'queue'

/** Who waits for this machine: kept on disk, so that a restart costs nobody its place. */
export interface WaitingLine {
  /** Takes what was stored into memory; who does not come back within the grace loses its place. */
  restore(): Promise<void>
  all(): WaitingNow[]
  /** Those whose turn it is not yet, in the order of their turns. */
  order(): WaitingNow[]
  get(id: string): WaitingNow | undefined
  /** Stores a request and gives it its place. */
  join(request: TicketRequest): Promise<WaitingNow>
  /** Keeps the first time that its renter is told for its turn. */
  promise(one: WaitingNow, toldAtMs: number): Promise<void>
  /** Forgets a request; what was held for it comes free, unless a lease took it. */
  drop(one: WaitingNow): Promise<void>
  /** Holds devices for it for a while. */
  giveTurn(one: WaitingNow, devices: readonly string[]): void
  /** Whether its renter is there to take a turn. */
  isPresent(one: WaitingNow): boolean
  /** Forgets whose renters are gone, and whose turns were not used. */
  sweep(): Promise<WaitingNow[]>
}

/** Who holds a device for a turn, among the names of leases. */
export const holderOfTurn = (id: string): string => `turn ${id}`

export const quotaKeyOf = ({ ticket }: WaitingNow): QuotaKey => ({
  peerId: ticket.renter,
  prefix: ticket.prefix,
})

export function createWaitingLine(needs: WaitingLineNeeds): WaitingLine {
  const { store, log, changes, capacity, nowMs, steadyMs } = needs
  const bucket = store.bucket('queue')
  const waiting = new Map<string, WaitingNow>()
  let turns: TurnsSoFar = NO_TURNS
  let lastSeq = 0

  const changed = (): void => changes.changed(QUEUE_CHANGED)

  function take(ticket: Ticket): WaitingNow {
    const one: WaitingNow = {
      ...ticket,
      id: hexOf(ticket.ticket),
      ticket,
      turn: undefined,
      seenMs: steadyMs(),
      asking: 0,
    }
    waiting.set(one.id, one)
    lastSeq = Math.max(lastSeq, one.seq)
    return one
  }

  /** Newcomers join the round after the one that was being served, which the places that wait tell of. */
  function turnsBefore(): TurnsSoFar {
    const least = (isStranger: boolean): number => {
      const rounds = [...waiting.values()].filter(({ stranger }) => stranger === isStranger)
      return rounds.length === 0 ? 0 : Math.min(...rounds.map(({ round }) => round)) - 1
    }
    return { payersRound: least(false), strangersRound: least(true), payersInARow: 0 }
  }

  const line: WaitingLine = {
    async restore() {
      for await (const [key, bytes] of bucket.iterator()) {
        try {
          take(ticketCodec.decode(bytes))
        } catch (error) {
          log.error('stored-ticket-unreadable', error, { key })
          await bucket.del(key)
        }
      }
      turns = turnsBefore()
    },
    all: () => [...waiting.values()],
    order: () =>
      inOrder(
        [...waiting.values()].filter(({ turn }) => turn === undefined),
        turns,
      ),
    get: (id) => waiting.get(id),
    async join(request) {
      lastSeq += 1
      const ticket: Ticket = {
        ...request,
        ticket: new Uint8Array(randomBytes(16)),
        seq: lastSeq,
        round: roundOf(request, [...waiting.values()], turns),
        sinceMs: nowMs(),
      }
      await bucket.put(hexOf(ticket.ticket), ticketCodec.encode(ticket))
      const one = take(ticket)
      changed()
      return one
    },
    async promise(one, toldAtMs) {
      if (one.ticket.toldAtMs !== undefined || !waiting.has(one.id)) return
      one.ticket = { ...one.ticket, toldAtMs: Math.round(toldAtMs) }
      await bucket.put(one.id, ticketCodec.encode(one.ticket))
      if (!waiting.has(one.id)) await bucket.del(one.id) // it was given up meanwhile
    },
    async drop(one) {
      if (!waiting.delete(one.id)) return
      capacity.release(holderOfTurn(one.id))
      changed()
      await bucket.del(one.id)
    },
    giveTurn(one, devices) {
      one.turn = { devices, untilMs: steadyMs() + TURN_MS }
      turns = afterTurn(turns, one)
      capacity.reserve(holderOfTurn(one.id), devices)
      changed()
    },
    isPresent: ({ asking, seenMs }) => asking > 0 || steadyMs() - seenMs <= PRESENT_MS,
    async sweep() {
      const atMs = steadyMs()
      const gone = [...waiting.values()].filter(
        ({ turn, asking, seenMs }) =>
          (turn !== undefined && turn.untilMs <= atMs) ||
          (asking === 0 && seenMs + QUEUE_GRACE_MS <= atMs),
      )
      await Promise.all(gone.map((one) => line.drop(one)))
      return gone
    },
  }
  return line
}
