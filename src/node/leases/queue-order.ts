import { after, type FreeInMs, type Kept, keptFor, mayHave } from './backfill.ts'

/** A request that waits, as its place is decided. */
export interface Waiting {
  /** The ticket in hex. */
  readonly id: string
  readonly renter: string
  /** Where it came from; undefined for this machine, where one address is everybody. */
  readonly prefix?: string | undefined
  /** True for a renter that never paid for a lease here. */
  readonly stranger: boolean
  /** In the order of asking. */
  readonly seq: number
  /** In which round of its class it has its turn: a renter has one in each. */
  readonly round: number
  /** The devices it could have, and how many of them it wants. */
  readonly devices: readonly string[]
  readonly count: number
  /** For how long. */
  readonly durationMs: number
}

/** Who had turns before: what fairness goes on from. */
export interface TurnsSoFar {
  /** The round that was served last, of who has paid before and of strangers. */
  readonly payersRound: number
  readonly strangersRound: number
  /** Turns of those who have paid since the last one of a stranger. */
  readonly payersInARow: number
}

export const NO_TURNS: TurnsSoFar = { payersRound: 0, strangersRound: 0, payersInARow: 0 }

/** Who paid before goes first, but after so many of them a stranger does: nobody new could ever rent else. */
export const PAYERS_BEFORE_STRANGER = 3

/** Requests that may wait. Long enough that honest queues fit, short enough that nobody fills it alone. */
export const QUEUE_LIMITS = { perPeer: 4, perPrefix: 16 } as const

/**
 * The round of a new request. Rounds are closed when they begin: who comes during one is in the next, so that a stream of
 * newcomers cannot keep anybody waiting; and a renter's requests are in a round each, so that many of them cannot either.
 */
export function roundOf(
  { renter, stranger }: Pick<Waiting, 'renter' | 'stranger'>,
  waiting: readonly Waiting[],
  turns: TurnsSoFar,
): number {
  const own = waiting.filter((one) => one.renter === renter && one.stranger === stranger)
  const served = stranger ? turns.strangersRound : turns.payersRound
  return 1 + Math.max(served, ...own.map(({ round }) => round))
}

/** All that wait, in the order of their turns. */
export function inOrder<T extends Waiting>(waiting: readonly T[], turns: TurnsSoFar): T[] {
  const sorted = waiting.toSorted((a, b) => a.round - b.round || a.seq - b.seq)
  const payers = sorted.filter(({ stranger }) => !stranger)
  const strangers = sorted.filter(({ stranger }) => stranger)
  const order: T[] = []
  let inARow = turns.payersInARow
  while (payers.length + strangers.length > 0) {
    const isStrangersTurn = payers.length === 0 || inARow >= PAYERS_BEFORE_STRANGER
    const next = (isStrangersTurn ? strangers.shift() : undefined) ?? payers.shift()
    order.push(next!)
    inARow = next!.stranger ? 0 : inARow + 1
  }
  return order
}

/** What is so after a turn. */
export const afterTurn = (turns: TurnsSoFar, { stranger, round }: Waiting): TurnsSoFar =>
  stranger
    ? { ...turns, strangersRound: Math.max(turns.strangersRound, round), payersInARow: 0 }
    : {
        ...turns,
        payersRound: Math.max(turns.payersRound, round),
        payersInARow: turns.payersInARow + 1,
      }

/**
 * Whose turn it is, with the devices each gets, and what is kept for the first that cannot have all it wants yet. Who is
 * behind it goes before it only where that does not make it wait longer: nobody who wants much is passed for ever.
 * @param freeInMs of all devices of this machine
 * @param holdsMs how long a request would hold its devices
 */
export function turnsOf<T extends Waiting>(
  order: readonly T[],
  free: readonly string[],
  freeInMs: FreeInMs,
  holdsMs: (request: T) => number = ({ durationMs }) => durationMs,
): {
  readonly turns: { readonly request: T; readonly devices: string[] }[]
  readonly kept: Kept | undefined
} {
  const left = new Set(free)
  const later = new Map(freeInMs)
  const turns: { request: T; devices: string[] }[] = []
  let kept: Kept | undefined
  for (const request of order) {
    const durationMs = holdsMs(request)
    const devices = mayHave({ ...request, durationMs }, left, kept)
    if (devices === undefined) {
      kept ??= keptFor(request, later)
      continue
    }
    for (const device of devices) {
      left.delete(device)
      later.set(device, durationMs)
    }
    kept = after(kept, devices, durationMs)
    turns.push({ request, devices })
  }
  return { turns, kept }
}

/** Why no more may wait of who asks; undefined when it may. */
export function whyFull(
  { renter, prefix }: Pick<Waiting, 'renter' | 'prefix'>,
  waiting: readonly Waiting[],
  most: number,
): string | undefined {
  const { perPeer, perPrefix } = QUEUE_LIMITS
  const count = (which: (one: Waiting) => boolean): number => waiting.filter(which).length
  if (most === 0) return 'this miner keeps no queue'
  if (waiting.length >= most) return `${waiting.length} requests wait already`
  if (count((one) => one.renter === renter) >= perPeer) return `${perPeer} of yours wait already`
  if (prefix !== undefined && count((one) => one.prefix === prefix) >= perPrefix) {
    return `${perPrefix} of your address wait already`
  }
  return undefined
}
