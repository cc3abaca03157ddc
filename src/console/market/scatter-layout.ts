import type { Offer } from './offer.ts'

/** A drawn offer: its place in CSS pixels. */
export interface Dot {
  readonly offer: Offer
  readonly x: number
  readonly y: number
}

/** A line of the grid: its place and what it stands for. */
export interface Tick {
  readonly at: number
  readonly value: number
}

export interface ScatterLayout {
  readonly dots: readonly Dot[]
  /** Those that no other beats in price and performance at once, from left to right. */
  readonly best: readonly Dot[]
  readonly xTicks: readonly Tick[]
  readonly yTicks: readonly Tick[]
}

export const HEIGHT_PX = 200
/** Room for what is written at the axes. */
export const EDGES = { left: 52, right: 16, top: 8, bottom: 24 } as const

/** Within this many pixels a dot is meant. */
const REACH_PX = 14

/** Where everything of the plot is; offers without a price or the measured figure are left out. */
export function layoutScatter(
  offers: readonly Offer[],
  measure: string,
  width: number,
): ScatterLayout {
  const known = offers.flatMap((offer) => {
    const [gain, price] = [Number(offer[measure] ?? Number.NaN), Number(offer.dph)]
    return gain > 0 && price > 0 ? [{ offer, gain, price }] : []
  })
  if (known.length === 0) return { dots: [], best: [], xTicks: [], yTicks: [] }
  const x = logScale(
    known.map(({ gain }) => gain),
    [EDGES.left, Math.max(EDGES.left + 40, width - EDGES.right)],
  )
  const y = logScale(
    known.map(({ price }) => price),
    [HEIGHT_PX - EDGES.bottom, EDGES.top],
  )
  const dots = known.map(({ offer, gain, price }) => ({ offer, x: x.at(gain), y: y.at(price) }))
  return { dots, best: undominated(dots), xTicks: x.ticks, yTicks: y.ticks }
}

interface Scale {
  at(value: number): number
  readonly ticks: readonly Tick[]
}

const STEPS = [1, 2, 5] as const
const MOST_TICKS = 9

/** A logarithmic axis over the values with a little room around, and round numbers to mark. */
function logScale(values: readonly number[], [start, end]: readonly [number, number]): Scale {
  let [least, most] = [Number.POSITIVE_INFINITY, 0]
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  const [low, high] = [Math.log10(least) - 0.08, Math.log10(most) + 0.08]
  const at = (value: number): number =>
    start + ((Math.log10(value) - low) / (high - low)) * (end - start)
  const all: Tick[] = []
  for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
    for (const step of STEPS) {
      const value = step * 10 ** power
      if (Math.log10(value) >= low && Math.log10(value) <= high) all.push({ at: at(value), value })
    }
  }
  const tens = all.filter(({ value }) => Number.isInteger(Math.log10(value)))
  return { at, ticks: all.length <= MOST_TICKS ? all : tens.length >= 2 ? tens : everyOther(all) }
}

const everyOther = (ticks: readonly Tick[]): readonly Tick[] => {
  const step = Math.ceil(ticks.length / MOST_TICKS)
  return ticks.filter((_, i) => i % step === 0)
}

/** A larger y is a lower price on the screen. */
function undominated(dots: readonly Dot[]): readonly Dot[] {
  const byGain = [...dots].sort((a, b) => b.x - a.x || b.y - a.y)
  const best: Dot[] = []
  for (const dot of byGain) {
    if (best.length === 0 || dot.y > best.at(-1)!.y) best.push(dot)
  }
  return best.toReversed()
}

/** The dot that a pointer means; undefined where none is near. */
export function nearestDot(dots: readonly Dot[], x: number, y: number): Dot | undefined {
  let found: Dot | undefined
  let nearest = REACH_PX ** 2
  for (const dot of dots) {
    const distance = (dot.x - x) ** 2 + (dot.y - y) ** 2
    if (distance <= nearest) {
      nearest = distance
      found = dot
    }
  }
  return found
}
