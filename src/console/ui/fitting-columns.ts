/** What decides whether a column is shown. */
interface Track {
  readonly key: string
  /** A CSS grid track whose first length is its least width, in pixels. */
  readonly width: string
  readonly yields?: number
}

/** table.css: between two columns, and at both ends of a row. */
const GAP_PX = 12
const ENDS_PX = 32

/** Those for which there is room, in their order: as many as need to give way, never the one that is sorted by. */
export function fittingColumns<T extends Track>(
  columns: readonly T[],
  widthPx: number,
  sortedBy?: string,
): readonly T[] {
  const mayYield = columns
    .filter(({ key, yields }) => yields !== undefined && key !== sortedBy)
    .sort((a, b) => (b.yields ?? 0) - (a.yields ?? 0))
  let neededPx = leastWidthPx(columns)
  const gone = new Set<T>()
  for (const column of mayYield) {
    if (neededPx <= widthPx) break
    gone.add(column)
    neededPx -= leastPx(column.width) + GAP_PX
  }
  return columns.filter((column) => !gone.has(column))
}

/** A table is never narrower. */
export function leastWidthPx(columns: readonly Track[]): number {
  let px = ENDS_PX - GAP_PX
  for (const { width } of columns) px += leastPx(width) + GAP_PX
  return px
}

const leastPx = (track: string): number => Number.parseFloat(/[\d.]+(?=px)/.exec(track)?.[0] ?? '0')
