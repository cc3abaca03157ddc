/**
 * What the close of a window says of every tick before it. Two signed messages are then enough to convict whoever told
 * one listener another tick than the rest: nobody has to open anything for that.
 */

import { equalBytes } from './bytes.ts'

/** A tick as it is compared. */
export interface CountedTick {
  /** From 1; what is said before any tick has 0. */
  readonly k: number
  readonly count: number
  /** 32 B. */
  readonly head: Uint8Array
}

const COUNT_BYTES = 4
/** A head made up before its roots were known is met with 2^-64. */
const HEAD_BYTES = 8
/** Of one tick, bytes. */
export const TOLD_TICK_BYTES = COUNT_BYTES + HEAD_BYTES

/** Count and begin of the head of each tick, from the first on, 12 B each. */
export function tellTicks(ticks: readonly Omit<CountedTick, 'k'>[]): Uint8Array {
  const told = new Uint8Array(TOLD_TICK_BYTES * ticks.length)
  const view = new DataView(told.buffer)
  for (const [i, { count, head }] of ticks.entries()) {
    view.setUint32(TOLD_TICK_BYTES * i, count)
    told.set(head.subarray(0, HEAD_BYTES), TOLD_TICK_BYTES * i + COUNT_BYTES)
  }
  return told
}

/** Whether a close tells of this very tick. Before any tick nothing is done, and nothing is told. */
export function tellsOf(told: Uint8Array, { k, count, head }: CountedTick): boolean {
  if (k === 0) return count === 0
  const at = TOLD_TICK_BYTES * (k - 1)
  const entry = told.subarray(at, at + TOLD_TICK_BYTES)
  return equalBytes(entry, tellTicks([{ count, head }]))
}

/** Whether what a close tells can be: of every tick, with counts that never fall, and itself the last. */
export function isWhole(told: Uint8Array, close: CountedTick): boolean {
  if (told.length !== TOLD_TICK_BYTES * close.k || !tellsOf(told, close)) return false
  const view = new DataView(told.buffer, told.byteOffset, told.length)
  const countOf = (k: number): number => view.getUint32(TOLD_TICK_BYTES * (k - 1))
  for (let k = 2; k <= close.k; k++) if (countOf(k) < countOf(k - 1)) return false
  return true
}
