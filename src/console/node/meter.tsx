import { figureText } from '../ui/format.ts'

export interface MeterProps {
  readonly name: string
  /** Null where nobody measures it. */
  readonly value: number | null
  readonly unit: string
  /** The end of the bar. */
  readonly of: number
  /** The owner's limit, marked on it. */
  readonly limit?: number | null
  /** How values read; as figures when absent. */
  readonly format?: (value: number) => string
}

/** How much there is of how much may be, as figure and bar. */
export function Meter({ name, value, unit, of, limit = null, format = figureText }: MeterProps) {
  const share = (part: number): string => `${Math.max(0, Math.min(1, part / of)) * 100}%`
  const isOver = value !== null && limit !== null && value >= limit
  return (
    <div className="meter">
      <span className="meter-name">{name}</span>
      <span className="meter-value num">
        {value === null ? (
          <span className="faint">not told</span>
        ) : (
          <>
            {format(value)} <span className="faint">{unit}</span>
          </>
        )}
      </span>
      <span className="meter-bar" aria-hidden="true">
        {value === null ? null : (
          <span className={isOver ? 'meter-over' : ''} style={{ width: share(value) }} />
        )}
        {limit === null ? null : <i style={{ left: share(limit) }} />}
      </span>
      {limit === null ? null : (
        <span className="meter-limit faint num">{`limit ${format(limit)}`}</span>
      )}
    </div>
  )
}
