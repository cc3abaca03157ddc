/** One thing that was looked at on this machine. */
export interface Finding {
  /** Short and stable, e.g. `docker`. */
  readonly check: string
  readonly ok: boolean
  /** Without it a node of these roles on this network does not do its work; otherwise something is missing or slower. */
  readonly required: boolean
  readonly actual: string
  readonly wanted: string
  /** The next step where it is not ok. */
  readonly remedy: string | null
}

/** A finding; the remedy is dropped where none is needed. */
export const finding = (
  check: string,
  ok: boolean,
  { required = false, actual, wanted, remedy }: FindingDetails,
): Finding => ({ check, ok, required, actual, wanted, remedy: ok ? null : remedy })

export interface FindingDetails {
  readonly required?: boolean
  readonly actual: string
  readonly wanted: string
  readonly remedy: string
}
