import { NodeError } from '../../errors.ts'

/** What a list was asked for (src/api/common.ts). */
export interface PageAsked {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

/** One page of a list; `next` where more follows. */
export interface Page<Row> {
  readonly items: readonly Row[]
  readonly next?: string
}

/**
 * The part of `rows` that was asked for. A cursor names the last row that was given and where it stood: what comes and
 * goes in between neither repeats nor hides others.
 * @throws BAD_CONFIG_CURSOR for one that no page gave
 */
export function pageOf<Row>(
  rows: readonly Row[],
  { limit, cursor }: PageAsked,
  keyOf: (row: Row) => string,
): Page<Row> {
  const from = cursor === undefined ? 0 : placeOf(rows, cursor, keyOf)
  const items = rows.slice(from, limit === undefined ? undefined : from + limit)
  const end = from + items.length
  const last = items.at(-1)
  if (last === undefined || end >= rows.length) return { items }
  return { items, next: Buffer.from(`${end}:${keyOf(last)}`).toString('base64url') }
}

function placeOf<Row>(rows: readonly Row[], cursor: string, keyOf: (row: Row) => string): number {
  const text = Buffer.from(cursor, 'base64url').toString()
  const [, end, key] = /^(\d{1,9}):(.*)$/s.exec(text) ?? []
  if (end === undefined) {
    throw new NodeError('BAD_CONFIG_CURSOR', 'the cursor is none', {
      next: 'give `next` of the page before, or no cursor',
    })
  }
  const at = rows.findIndex((row) => keyOf(row) === key)
  return at === -1 ? Number(end) : at + 1
}
