import { z } from 'zod'

/** Exactly `length` bytes. */
export const bytes = (length: number): z.ZodType<Uint8Array> =>
  z.custom<Uint8Array>(
    (v) => v instanceof Uint8Array && v.length === length,
    `must be ${length} bytes`,
  )

/** At most `max` bytes. */
export const bytesUpTo = (max: number): z.ZodType<Uint8Array> =>
  z.custom<Uint8Array>(
    (v) => v instanceof Uint8Array && v.length <= max,
    `must be at most ${max} bytes`,
  )

/** Printable text of at most `max` UTF-16 units; no control characters, which could forge terminal output. */
export const text = (max: number): z.ZodType<string> =>
  z
    .string()
    .max(max)
    .refine((s) => !/\p{Cc}/u.test(s), 'must not contain control characters')

/** An integer in min..max. */
export const integer = (min: number, max: number): z.ZodType<number> => z.int().min(min).max(max)

/** Unix milliseconds. */
export const timeMs = (): z.ZodType<number> => integer(0, Number.MAX_SAFE_INTEGER)

/** Money on the wire: a decimal string of whole base units, without leading zeros. */
export const baseUnits = (): z.ZodType<string> => z.string().regex(/^(0|[1-9][0-9]{0,30})$/)

/** A price per hour on the wire: decimal, at most 18 places. */
export const decimal = (): z.ZodType<string> =>
  z.string().regex(/^(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$/)

/** A stable name in kebab-case, e.g. `host-killed`; a reader may meet names it does not know. */
export const codeName = (): z.ZodType<string> => z.string().regex(/^[a-z][a-z0-9-]{0,31}$/)

/** A libp2p peer id in its base58 text form. */
export const peerIdText = (): z.ZodType<string> => z.string().regex(/^[1-9A-HJ-NP-Za-km-z]{46,64}$/)

/** How long the reason of a lease's end may be: an engine's words about a failed pull are not cut. */
export const MAX_REASON = 500
