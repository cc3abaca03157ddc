const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const STEP = 1024

/** A number of bytes in the unit that keeps it between 1 and 1023, three digits at most: `1.25 GiB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= STEP && unit < UNITS.length - 1) {
    value /= STEP
    unit++
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${UNITS[unit]}`
}

const SECOND_MS = 1000
const steps: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', SECOND_MS],
]

/** A duration in its two largest units: `2 h 5 min`, `40 s`. */
export function durationText(ms: number): string {
  const whole = Math.max(0, Math.round(ms / SECOND_MS) * SECOND_MS)
  const first = steps.findIndex(([, size]) => whole >= size)
  if (first === -1) return '0 s'
  const [unit, size] = steps[first]!
  const count = Math.floor(whole / size)
  const next = steps[first + 1]
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next[1])
  return rest === 0 || next === undefined
    ? `${count} ${unit}`
    : `${count} ${unit} ${rest} ${next[0]}`
}

/** A moment in the reader's own time zone, to the second. */
export const momentText = (atMs: number): string =>
  new Date(atMs).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** A decimal amount with up to `places` digits behind the point, thousands apart by thin spaces. */
export function moneyText(amount: string, places = 6): string {
  const [whole = '0', part = ''] = amount.split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u2009')
  const kept = part.slice(0, places).replace(/0+$/, '')
  return kept === '' ? grouped : `${grouped}.${kept}`
}

/** A figure with three digits that count, thousands apart: `0.0048`, `12.3`, `1 980`. */
export function figureText(value: number): string {
  const rounded = Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3))
  const [whole = '0', part] = String(rounded).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u2009')
  return part === undefined ? grouped : `${grouped}.${part}`
}

/** A PeerId shortened to both its ends: all begin alike, so the end tells them apart. */
export const shortPeer = (peerId: string): string =>
  peerId.length <= 16 ? peerId : `${peerId.slice(0, 4)}…${peerId.slice(-6)}`
