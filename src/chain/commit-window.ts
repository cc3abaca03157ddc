import type { CommitWindow } from './chain-weights.ts'
import type { Epoch } from './metagraph.ts'

/** As the chain stores it. Spec 218: hash, block, first and last block of its reveal; spec 424: hash, epoch, block, 0. */
export type StoredCommit = readonly [hash: string, a: number, b: number, c: number]

/** What a window follows from. */
export interface WindowNow {
  readonly epoch: Epoch
  /** Number of the newest final block: a reveal stands in a later one. */
  readonly block: number
  readonly revealPeriod: number
  readonly statefulEpochs: boolean
}

/** When a commit may be revealed: in blocks by number where epochs are, else in exactly one epoch. */
export function windowOf(
  [hash, a, b, c]: StoredCommit,
  { epoch, block, revealPeriod, statefulEpochs }: WindowNow,
): CommitWindow {
  if (!statefulEpochs) {
    const state = block + 1 < b ? 'early' : block + 1 > c ? 'expired' : 'open'
    return { hash, state, opensAt: b, closesAt: c + 1 }
  }
  const ahead = a + revealPeriod - epoch.index
  const closesAt = epoch.next + ahead * epoch.tempo
  const state = ahead > 0 ? 'early' : ahead < 0 ? 'expired' : 'open'
  return { hash, state, opensAt: closesAt - epoch.tempo, closesAt }
}
