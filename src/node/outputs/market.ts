import { z } from 'zod'
import { listOf } from '../../api/common.ts'
import { offer } from '../../api/offers.ts'
import { FIELDS, type FieldType } from '../../query/fields.ts'
import type { Outputs } from './output.ts'

const factSchemas: Readonly<Record<FieldType, z.ZodType>> = {
  number: z.number(),
  money: z.string(),
  version: z.string(),
  boolean: z.boolean(),
  text: z.string(),
  words: z.string(),
}

/** Every field of the query language that is known of the offer, and what the language does not name. */
const described = z.looseObject({
  ...Object.fromEntries(
    FIELDS.map(({ name, type, meaning }) => [name, factSchemas[type].optional().describe(meaning)]),
  ),
  ...offer.shape,
})

/** What commands print that look at the market. */
export const marketOutputs: Outputs = {
  offers: { describe: 'a list', schema: listOf(described) },
}
