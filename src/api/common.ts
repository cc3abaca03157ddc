import { z } from 'zod'

/** A PeerId. */
export const peerId = z.string().describe('PeerId')

/** An SS58 address. */
export const address = z.string().describe('SS58 address')

/** An amount as a decimal string. */
export const decimal = z.string().describe('decimal')

/** A number of things, or a moment or time in milliseconds. */
export const whole = z.number().int().nonnegative()

/** A whole list, in order. */
export const listOf = <Row extends z.ZodType>(row: Row) => z.strictObject({ items: z.array(row) })

/** One page of a list, in order. */
export const pageOf = <Row extends z.ZodType>(row: Row) =>
  z.strictObject({
    items: z.array(row),
    next: z
      .string()
      .exactOptional()
      .describe('`cursor` of the next page; absent on the last one, and where no limit was asked'),
  })

/** At most this many items of a list are answered at once, where a limit is asked for. */
export const MAX_PAGE = 1000

/** What every list that may grow takes. */
export const pageQuery = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_PAGE)
    .optional()
    .describe('how many items at most; absent: all of them'),
  cursor: z.string().max(512).optional().describe('`next` of the page before'),
}

/** A query that asks for a page and nothing else. */
export const pageAsked = z.object(pageQuery)
