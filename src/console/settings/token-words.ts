import type { AccessToken } from '../../api/access.ts'

export const TOKENS_PATH = '/v1/tokens'

/** What each scope lets a program do. */
export const scopeWords: Readonly<Record<AccessToken['scope'], string>> = {
  read: 'look, change nothing',
  rent: 'look, spend and use leases',
  operate: 'all of it, settings and tokens too',
}

const DAY_MS = 86_400_000

/** How long a token may stand, by days; the last until it is revoked. */
export const ttlChoices: readonly {
  readonly id: string
  readonly title: string
  readonly ttlMs?: number
}[] = [
  { id: '1', title: 'a day', ttlMs: DAY_MS },
  { id: '7', title: 'a week', ttlMs: 7 * DAY_MS },
  { id: '30', title: '30 days', ttlMs: 30 * DAY_MS },
  { id: '365', title: 'a year', ttlMs: 365 * DAY_MS },
  { id: 'ever', title: 'ever, until it is revoked' },
]
