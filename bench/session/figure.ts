import type { Result, Target } from '../support/bench.ts'
import type { LeaseMarket } from '../support/lease-market.ts'

/** What figures of one run share: a market and an idling lease in it. */
export interface SessionBench extends LeaseMarket {
  readonly leaseId: string
  /** The lease's container, for the yardstick: `docker exec`. */
  readonly container: string
  readonly progress: (line: string) => void
}

/** One concern of `bench session`; a file of this folder each. */
export interface SessionFigure {
  readonly targets: Readonly<Record<string, Target>>
  measure(bench: SessionBench): Promise<Result>
}
