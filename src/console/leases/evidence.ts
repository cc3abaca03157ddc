import type { ReceiptRow, ReceiptsAnswer } from '../../api/leases.ts'
import type { EvidenceAnswer } from '../../api/proofs.ts'

/** One check of a lease's receipts, as it is found. */
export type Check = EvidenceAnswer['checks'][number]

/** The file that `compute-node receipts --export` writes, from its base64. */
export const evidenceBytes = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))

/** What was found in a file of receipts, and which file that was: receipts may have come since. */
export interface Checked {
  readonly evidence: string
  readonly finding: EvidenceAnswer
}

/** What a check found wrong with single receipts, by their number; receipts that came since change nothing of it. */
export function wrongReceipts(
  items: ReceiptsAnswer['items'],
  finding: Pick<EvidenceAnswer, 'checks'> | undefined,
): ReadonlyMap<ReceiptRow['seq'], string> {
  const wrong = (finding?.checks ?? []).flatMap(({ receipt, detail }) => {
    const row = receipt === undefined ? undefined : items[receipt - 1]
    return row === undefined ? [] : [[row.seq, detail] as const]
  })
  return new Map(wrong)
}
