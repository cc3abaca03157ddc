/** A wait of this node in a miner's queue. */
export interface WaitRow {
  /** The ticket in hex; the order's name before there is one. */
  readonly ticket: string
  readonly miner: string
  /** 0: its turn; null before the miner said. */
  readonly position: number | null
  readonly waiting: number | null
  /** From when it was told; null: nobody can tell. */
  readonly etaMs: number | null
  readonly sinceMs: number
}

/** The waits of this node: who waits can be told, and can be ended by its ticket. */
export interface Waits {
  all(): WaitRow[]
  /** Shows a wait until it is disposed. */
  begin(first: WaitRow): Wait
  /** Ends the waits whose tickets begin so; how many there were. */
  end(ticket: string): number
}

export interface Wait extends Disposable {
  show(row: WaitRow): void
  /** Aborts when somebody ends it by its ticket. */
  readonly signal: AbortSignal
}

export function createWaits(): Waits {
  const waits = new Map<AbortController, WaitRow>()
  return {
    all: () => [...waits.values()],
    begin(first) {
      const ending = new AbortController()
      waits.set(ending, first)
      return {
        show: (row) => void waits.set(ending, row),
        signal: ending.signal,
        [Symbol.dispose]: () => void waits.delete(ending),
      }
    },
    end(ticket) {
      const found = [...waits].filter(([, row]) => row.ticket.startsWith(ticket))
      for (const [ending] of found) ending.abort(new Error('the place was left'))
      return found.length
    },
  }
}
