/** Comma-separated values under a line of names; null is nothing. For numbers and words alone, which need no quotes. */
export const csvText = <Row>(
  columns: Readonly<Record<string, (row: Row) => string | number | null>>,
  rows: readonly Row[],
): string =>
  [
    Object.keys(columns).join(','),
    ...rows.map((row) =>
      Object.values(columns)
        .map((value) => value(row) ?? '')
        .join(','),
    ),
  ]
    .map((line) => `${line}\n`)
    .join('')
