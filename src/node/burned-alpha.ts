import type { BurnBook } from './burn-book.ts'
import type { Evidence } from './scoring/evidence.ts'
import type { ScoringBlock } from './scoring-block.ts'

/** From the first slot of a window to the end of its last, Unix ms. */
export interface WindowMs {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * What scores take of burned alpha (notes/scoring.md §5): what was burned on each registered hotkey in the blocks of the
 * window, by whomever and for whatever, since it never pays back; and what all miners got in as many blocks. Nothing where
 * not all of those blocks were read, or where blocks tell no time.
 */
export function burnedAlpha(
  { burning, registered }: ScoringBlock,
  atMs: number,
  { fromMs, toMs }: WindowMs,
  burns: Pick<BurnBook, 'between'>,
): Pick<Evidence, 'burned' | 'emission'> {
  if (burning === undefined) return {}
  const blockAt = (ms: number): number =>
    burning.block - Math.max(0, Math.round((atMs - ms) / burning.blockMs))
  const [from, to] = [blockAt(fromMs), blockAt(toMs)]
  const all = burns.between(from, to)
  if (all === undefined) return {}
  const burned = registered.flatMap(({ publicKey, address }) => {
    const alpha = all.get(address)
    return alpha === undefined
      ? []
      : [[Buffer.from(publicKey).toString('hex'), Number(alpha)] as const]
  })
  return { burned: new Map(burned), emission: burning.minersPerBlock * (to - from + 1) }
}
