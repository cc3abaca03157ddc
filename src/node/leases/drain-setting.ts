/** Whether a miner's owner lets it run empty. */
export interface Drain {
  /** Unix ms; null: it takes new leases. */
  readonly sinceMs: number | null
}

export const NOT_DRAINED: Drain = { sinceMs: null }
