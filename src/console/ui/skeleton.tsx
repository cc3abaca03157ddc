import './skeleton.css'

/** The place of something that is on its way; `width` in any CSS unit. Say what is loading on the region around it. */
export function Skeleton({ width = '100%', height = 12 }: { width?: string; height?: number }) {
  return <span className="skeleton" style={{ width, height }} aria-hidden="true" />
}

/** Lines of a table on its way. */
export function SkeletonRows({ rows = 8, label }: { rows?: number; label: string }) {
  return (
    <div className="skeleton-rows" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are alike and never move
        <div className="skeleton-row" key={row}>
          <Skeleton width={`${28 + ((row * 37) % 30)}%`} />
          <Skeleton width="12%" />
          <Skeleton width="9%" />
          <Skeleton width="14%" />
        </div>
      ))}
    </div>
  )
}
