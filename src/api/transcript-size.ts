import { MiB } from '../units.ts'

/** No transcript is larger (docs/wire.md); pages need it without any schema. */
export const MOST_TRANSCRIPT_BYTES = 64 * MiB
