const LEVELS = '▁▂▃▄▅▆▇█'

/** What varies by less than this share of the highest value is shown as level. */
const LEVEL_SHARE = 0.001

/** Values as a line of little bars, the lowest shortest; more than `width` of them are thinned out, ends kept. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = thinned(values, width)
  const [low, high] = [Math.min(...shown), Math.max(...shown)]
  const isLevel = high - low <= Math.abs(high) * LEVEL_SHARE
  return shown
    .map((value) => {
      const level = isLevel ? 0.5 : (value - low) / (high - low)
      return LEVELS[Math.round(level * (LEVELS.length - 1))]
    })
    .join('')
}

function thinned(values: readonly number[], width: number): readonly number[] {
  if (values.length <= width) return values
  return Array.from(
    { length: width },
    (_, i) => values[Math.round((i * (values.length - 1)) / (width - 1))]!,
  )
}

/** A share of 1 as a bar of at most `width` characters; something above 0 shows at least one. */
export function bar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width)
  return '█'.repeat(share > 0 ? Math.max(1, filled) : 0)
}
