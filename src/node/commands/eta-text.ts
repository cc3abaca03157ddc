const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** About how long, for a person: `now`, `40 s`, `12 min`, `3.5 h`; `unknown` where nobody can tell. */
export function etaText(etaMs: number | null): string {
  if (etaMs === null) return 'unknown'
  if (etaMs < 1000) return 'now'
  if (etaMs < MINUTE_MS) return `${Math.round(etaMs / 1000)} s`
  if (etaMs < HOUR_MS) return `${Math.round(etaMs / MINUTE_MS)} min`
  return `${Number((etaMs / HOUR_MS).toFixed(1))} h`
}
