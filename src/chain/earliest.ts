/** Something that a block holds, by whom. */
export interface Claim {
  /** Who claims, e.g. a hotkey; several claims of one are its replays. */
  readonly by: string
  readonly block: number
  /** Place of its transaction in the block; null when it is not known. */
  readonly index: number | null
}

/** Who was first, or why that cannot be told. */
export type Earliest<T extends Claim> =
  | { readonly kind: 'first'; readonly claim: T }
  /** Two of the same block, of which one's place in it is not known, or is the same. */
  | { readonly kind: 'undecided'; readonly among: readonly T[] }
  | { readonly kind: 'none' }

/**
 * The earliest of several claims to one thing, by block and then by place in it. What somebody claims again later counts
 * as its first. Several of one block that no known place tells apart are undecided: nobody is preferred by a guess.
 */
export function earliestOf<T extends Claim>(claims: readonly T[]): Earliest<T> {
  if (claims.length === 0) return { kind: 'none' }
  const block = claims.reduce((least, one) => Math.min(least, one.block), Number.POSITIVE_INFINITY)
  const firsts = [
    ...Map.groupBy(
      claims.filter((one) => one.block === block),
      ({ by }) => by,
    ),
  ].map(([, own]) => own.reduce(earlierInBlock))
  if (firsts.length === 1) return { kind: 'first', claim: firsts[0]! }
  const claim = firsts.reduce(earlierInBlock)
  const isAlone = firsts.every((one) => one === claim || isBefore(claim, one))
  return isAlone ? { kind: 'first', claim } : { kind: 'undecided', among: firsts }
}

/** Whether one stands before another of the same block for certain. */
const isBefore = (a: Claim, b: Claim): boolean =>
  a.index !== null && b.index !== null && a.index < b.index

const earlierInBlock = <T extends Claim>(a: T, b: T): T =>
  a.index === null || (b.index !== null && b.index < a.index) ? b : a
