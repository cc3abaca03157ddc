/** Why nothing can be set now. */
export const refusalReasons = [
  'UNREGISTERED',
  'LOW_STAKE',
  'NO_PERMIT',
  'RATE_LIMIT',
  'TOO_MANY_COMMITS',
  'BAD_ROW',
] as const
export type RefusalReason = (typeof refusalReasons)[number]

/** A reason in code and in words, and the first block at which it may be otherwise where that is known. */
export interface Refusal {
  readonly reason: RefusalReason
  readonly message: string
  readonly retryAtBlock?: number
}
