import type { Row } from './state.ts'

/**
 * A row as its validator sees miners `epochs` epochs on: every miner's worth walks at random, by a share `drift` in an
 * epoch, the same for all validators and in every run. Before the first epoch, and without drift, it is as it is.
 */
export function drifted(row: Row, drift: number, epochs: number): Row {
  if (drift === 0 || epochs <= 0 || row.length === 0) return row
  const worth = row.map(([uid, weight]) => weight * Math.exp(drift * walked(uid, epochs)))
  const highest = Math.max(...worth)
  const scale = highest === 0 ? 0 : 65_535 / highest
  return row.map(([uid], i) => [uid, Math.round(worth[i]! * scale)] as const)
}

/** How far a uid has walked after some epochs: steps of -1 or +1 by a hash of both. */
function walked(uid: number, epochs: number): number {
  let total = 0
  for (let epoch = 1; epoch <= epochs; epoch++) total += (hash(uid, epoch) & 1) * 2 - 1
  return total
}

/** Two numbers well mixed (the finaliser of MurmurHash3). */
function hash(a: number, b: number): number {
  let bits = (Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) >>> 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
