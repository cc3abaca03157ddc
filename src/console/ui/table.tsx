import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowUp } from 'lucide-react'
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useRef,
  useState,
} from 'react'
import { fittingColumns, leastWidthPx } from './fitting-columns.ts'
import type { Sorting } from './sorting.ts'
import { useWidth } from './use-width.ts'
import './table.css'

export interface Column<Row> {
  readonly key: string
  readonly title: string
  /** What stands in the cell. */
  readonly cell: (row: Row) => ReactNode
  /** Numbers stand at the right. */
  readonly align?: 'left' | 'right'
  /** A CSS grid track, e.g. `88px` or `minmax(140px, 2fr)`. */
  readonly width: string
  /** What the head explains on hover. */
  readonly hint?: string
  readonly isSortable?: boolean
  /** Where there is no room for all columns, those that have this give way, the highest first; the others make the table scroll. */
  readonly yields?: number
}

export interface TableProps<Row> {
  /** What the rows are, for a screen reader. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly rowKey: (row: Row) => string
  readonly sorting?: Sorting | undefined
  readonly onSort?: ((sorting: Sorting) => void) | undefined
  /** The row that is open elsewhere. */
  readonly selected?: string | undefined
  /** A press, Enter or Space on a row. */
  readonly onOpen?: ((row: Row) => void) | undefined
  readonly density?: 'compact' | 'roomy'
  /** What stands instead of the columns where the table is narrower than 640 px, about two lines. */
  readonly narrow: (row: Row) => ReactNode
  /** The table takes the height that its parent leaves it, and scrolls; otherwise it is as high as its rows. */
  readonly fills?: boolean
  /** Instead of rows when there are none. */
  readonly empty?: ReactNode
}

const NARROW_PX = 640
const ROW_PX = { compact: 32, roomy: 42 } as const
const NARROW_ROW_PX = 64
const HEAD_PX = 32

/**
 * A table of any length: only what is seen is in the page. Arrow keys, Home, End and page keys move between rows, Enter
 * opens one; a head sorts.
 */
export function Table<Row>(props: TableProps<Row>) {
  const { label, rows, rowKey, density = 'compact', narrow, fills = false, empty } = props
  const scroller = useRef<HTMLDivElement>(null)
  const width = useWidth(scroller)
  const columns = fittingColumns(props.columns, width, props.sorting?.key)
  const isNarrow = width < NARROW_PX
  const rowPx = isNarrow ? NARROW_ROW_PX : ROW_PX[density]
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 8,
    paddingStart: isNarrow ? 0 : HEAD_PX,
    scrollPaddingStart: isNarrow ? 0 : HEAD_PX,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when a row's height changes
  useEffect(() => virtual.measure(), [rowPx])
  const focus = useRowFocus(rows.length, (index) => virtual.scrollToIndex(index), scroller)
  const grid: CSSProperties = {
    gridTemplateColumns: columns.map(({ width }) => width).join(' '),
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if ((event.target as HTMLElement).role !== 'row') return
    if (event.key === 'Enter' || event.key === ' ') {
      const row = rows[focus.active]
      if (row === undefined || props.onOpen === undefined) return
      event.preventDefault()
      props.onOpen(row)
    } else focus.onKey(event)
  }
  if (rows.length === 0 && empty !== undefined) {
    return (
      <div className={`table${fills ? ' table-fills' : ''}`} ref={scroller}>
        {empty}
      </div>
    )
  }
  return (
    <div
      className={`table${fills ? ' table-fills' : ''}${isNarrow ? ' table-narrow' : ''}`}
      ref={scroller}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      onKeyDown={onKeyDown}
    >
      <div
        className="table-inner"
        role="presentation"
        style={{
          height: virtual.getTotalSize(),
          minWidth: isNarrow ? 0 : leastWidthPx(columns),
        }}
      >
        <Head {...props} columns={columns} grid={grid} isHidden={isNarrow} />
        {virtual.getVirtualItems().map(({ index, start, size }) => {
          const row = rows[index]!
          const key = rowKey(row)
          return (
            <div
              key={key}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={key === props.selected}
              tabIndex={index === focus.active ? 0 : -1}
              data-index={index}
              className={`table-row${props.onOpen === undefined ? '' : ' table-opens'}`}
              style={{ ...grid, transform: `translateY(${start}px)`, height: size }}
              onClick={() => {
                focus.take(index)
                props.onOpen?.(row)
              }}
              onFocus={() => focus.take(index)}
              // Keys are read by the grid, which the event reaches.
              onKeyDown={undefined}
            >
              {isNarrow ? (
                <div role="gridcell" className="table-narrow-cell">
                  {narrow(row)}
                </div>
              ) : (
                columns.map(({ key: name, align, cell }) => (
                  <div role="gridcell" key={name} className={`cell cell-${align ?? 'left'}`}>
                    {cell(row)}
                  </div>
                ))
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}

interface HeadProps<Row> extends TableProps<Row> {
  readonly grid: CSSProperties
  readonly isHidden: boolean
}

function Head<Row>({ columns, sorting, onSort, grid, isHidden }: HeadProps<Row>) {
  return (
    <div
      role="row"
      aria-rowindex={1}
      className={isHidden ? 'visually-hidden' : 'table-head'}
      style={grid}
    >
      {columns.map(({ key, title, align = 'left', hint, isSortable = false }) => {
        const sorted = sorting?.key === key ? sorting : undefined
        const order = sorted === undefined ? 'none' : sorted.descending ? 'descending' : 'ascending'
        return (
          <div
            key={key}
            role="columnheader"
            className={`cell cell-${align}`}
            title={hint}
            {...(isSortable ? { 'aria-sort': order } : {})}
          >
            {isSortable && onSort !== undefined && !isHidden ? (
              <button
                type="button"
                className="table-sort"
                onClick={() => onSort({ key, descending: sorted?.descending === false })}
              >
                {title}
                {sorted === undefined ? null : sorted.descending ? <ArrowDown /> : <ArrowUp />}
              </button>
            ) : (
              title
            )}
          </div>
        )
      })}
    </div>
  )
}

/** One row at a time can have the focus; it is followed into view. */
function useRowFocus(
  count: number,
  show: (index: number) => void,
  scroller: { readonly current: HTMLDivElement | null },
) {
  const [active, setActive] = useState(0)
  const wanted = useRef(false)
  const last = Math.max(0, count - 1)
  const bounded = Math.min(active, last)
  useEffect(() => {
    if (!wanted.current) return
    wanted.current = false
    const frame = requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-index="${bounded}"]`)?.focus(),
    )
    return () => cancelAnimationFrame(frame)
  }, [bounded, scroller])
  const go = (index: number): void => {
    const next = Math.max(0, Math.min(last, index))
    if (next === bounded) return
    wanted.current = true
    show(next)
    setActive(next)
  }
  return {
    active: bounded,
    take: setActive,
    onKey(event: KeyboardEvent): void {
      const page = 15
      const to: Record<string, number> = {
        ArrowDown: bounded + 1,
        ArrowUp: bounded - 1,
        PageDown: bounded + page,
        PageUp: bounded - page,
        Home: 0,
        End: last,
      }
      const index = to[event.key]
      if (index === undefined) return
      event.preventDefault()
      go(index)
    },
  }
}
