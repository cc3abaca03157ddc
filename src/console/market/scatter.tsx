import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react'
import { figureText, moneyText } from '../ui/format.ts'
import { Select } from '../ui/select.tsx'
import { useTheme } from '../ui/use-theme.ts'
import { useWidth } from '../ui/use-width.ts'
import { drawScatter } from './draw-scatter.ts'
import { modelOf, type Offer } from './offer.ts'
import { type Dot, HEIGHT_PX, layoutScatter, nearestDot } from './scatter-layout.ts'
import './scatter.css'

export interface ScatterProps {
  /** What the table shows. */
  readonly offers: readonly Offer[]
  readonly selected: string | undefined
  readonly onOpen: (offer: Offer) => void
}

const MEASURES = [
  { id: 'tops', title: 'TOPS (measured)' },
  { id: 'gpu_mem_bw', title: 'GB/s (measured)' },
  { id: 'gpu_total_ram', title: 'VRAM in GiB' },
] as const

/**
 * Price against performance, both on logarithmic axes: the lower and the further right, the better. The line joins the
 * offers that no other beats in both. The table has the same in rows, for keys and screen readers.
 */
export function Scatter({ offers, selected, onOpen }: ScatterProps) {
  const frame = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const [measure, setMeasure] = useState<string>('tops')
  const [hovered, setHovered] = useState<Dot | undefined>(undefined)
  const width = useWidth(frame)
  const theme = useTheme()
  const layout = useMemo(() => layoutScatter(offers, measure, width), [offers, measure, width])
  // biome-ignore lint/correctness/useExhaustiveDependencies: drawn anew in the other theme's colours
  useEffect(() => {
    if (canvas.current !== null) drawScatter(canvas.current, { layout, selected, hovered, width })
  }, [layout, selected, hovered, width, theme])
  const dotAt = ({ nativeEvent: { offsetX, offsetY } }: PointerEvent): Dot | undefined =>
    nearestDot(layout.dots, offsetX, offsetY)
  const left = offers.length - layout.dots.length
  return (
    <figure className="scatter">
      <figcaption>
        <span>
          Price per hour against{' '}
          <Select
            label="Performance"
            hidesLabel
            options={MEASURES}
            value={measure}
            onChange={setMeasure}
          />
        </span>
        <span className="faint num">
          {left === 0 ? '' : `${left} without that figure are not drawn · `}
          <span className="scatter-key" aria-hidden="true" /> none better in both
        </span>
      </figcaption>
      <div className="scatter-frame" ref={frame}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Price against performance of ${layout.dots.length} offers; the table below has the figures`}
          style={{ height: HEIGHT_PX }}
          onPointerMove={(event) => setHovered(dotAt(event))}
          onPointerLeave={() => setHovered(undefined)}
          onPointerDown={(event) => {
            const dot = dotAt(event)
            if (dot !== undefined) onOpen(dot.offer)
          }}
        />
        {layout.dots.length === 0 ? (
          <p className="scatter-none faint">None of these offers has that figure yet</p>
        ) : null}
        {hovered === undefined ? null : <Hint dot={hovered} measure={measure} width={width} />}
      </div>
    </figure>
  )
}

function Hint({ dot, measure, width }: { dot: Dot; measure: string; width: number }) {
  const { offer, x, y } = dot
  const unit = { tops: 'TOPS', gpu_mem_bw: 'GB/s', gpu_total_ram: 'GiB' }[measure] ?? ''
  const count = offer.num_gpus !== undefined && offer.num_gpus > 1 ? `${offer.num_gpus} × ` : ''
  return (
    <div
      className="scatter-hint num"
      style={x > width / 2 ? { right: width - x + 10, top: y - 10 } : { left: x + 10, top: y - 10 }}
    >
      <strong>{count + modelOf(offer)}</strong>
      <br />
      {moneyText(offer.dph)} {offer.asset}/h · {figureText(Number(offer[measure]))} {unit}
    </div>
  )
}
