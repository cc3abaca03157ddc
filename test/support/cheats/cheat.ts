import type { MemberOptions } from '../slot-market.ts'

/** One way to cheat, and what must meet it. */
export interface Cheat {
  readonly name: string
  readonly does: string
  /** What a validator signs about it: the verdict, and whose proof breaks where openings show it. */
  readonly verdict: string
  /** Why it is met, and how surely. */
  readonly bound: string
  /** A miner that does it; everything else of it is honest. */
  member(): MemberOptions
}
