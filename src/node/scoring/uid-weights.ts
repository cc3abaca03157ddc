import type { ReasonCode } from './reason-codes.ts'
import type { ScoreReport } from './score.ts'

/** What goes to the chain, or why nothing should. */
export type UidWeights =
  | { readonly kind: 'weights'; readonly byUid: ReadonlyMap<number, number> }
  | { readonly kind: 'none'; readonly reason: ReasonCode }

/** A registered hotkey, as far as weights care. */
export interface UidHotkey {
  readonly uid: number
  readonly hotkeyPublicKey: Uint8Array
}

/**
 * Scores by uid (notes/scoring.md §6). Without evidence nothing is sent, never zeros; what is not earned goes to the
 * uid that burns, and where none is registered the earned is divided among its earners.
 */
export function uidWeights(
  report: ScoreReport,
  neurons: readonly UidHotkey[],
  burnUid: number | undefined,
): UidWeights {
  const hasOutcome = [...report.miners.values()].some(({ gpus }) =>
    gpus.some(({ ok, failed }) => ok + failed > 0),
  )
  if (!hasOutcome) return { kind: 'none', reason: 'NO_EVIDENCE' }
  const byUid = new Map<number, number>()
  for (const { uid, hotkeyPublicKey } of neurons) {
    const weight = report.miners.get(Buffer.from(hotkeyPublicKey).toString('hex'))?.weight ?? 0
    if (weight > 0) byUid.set(uid, weight)
  }
  const earned = [...byUid.values()].reduce((sum, weight) => sum + weight, 0)
  // All zero: everything is burned, whatever the target says.
  const burn = earned > 0 ? report.burn : 1
  if (burnUid !== undefined && burn > 0) byUid.set(burnUid, (byUid.get(burnUid) ?? 0) + burn)
  return byUid.size > 0 ? { kind: 'weights', byUid } : { kind: 'none', reason: 'NO_BURN_UID' }
}
