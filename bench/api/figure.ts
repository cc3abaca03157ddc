import type { Result, Target } from '../support/bench.ts'
import type { LeaseMarket } from '../support/lease-market.ts'

/** What figures of one run share: a market, and an idling lease in it. */
export interface ApiBench extends LeaseMarket {
  /** Of the renter's `control.token`. */
  readonly token: string
  readonly leaseId: string
  readonly progress: (line: string) => void
}

/** One concern of `bench api`; a file of this folder each. */
export interface ApiFigure {
  readonly targets: Readonly<Record<string, Target>>
  measure(bench: ApiBench): Promise<Result>
}
