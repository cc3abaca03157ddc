import { z } from 'zod'
import { FIELDS, type FieldType } from '../../protocols/query/fields.ts'
import { listOf, type Outputs, peerId, whole } from './output.ts'

const factSchemas: Readonly<Record<FieldType, z.ZodType>> = {
  number: z.number(),
  money: z.string(),
  version: z.string(),
  boolean: z.boolean(),
  text: z.string(),
  words: z.string(),
}

/** Every field of the query language that is known of the offer, and what the language does not name. */
const offer = z.looseObject({
  ...Object.fromEntries(
    FIELDS.map(({ name, type, meaning }) => [name, factSchemas[type].optional().describe(meaning)]),
  ),
  id: z.string(),
  host_id: peerId,
  expiresAtMs: whole.describe('unix ms'),
  seq: whole,
  devices: z.array(z.looseObject({ id: z.string(), name: z.string() })),
})

/** What commands print that look at the market. */
export const marketOutputs: Outputs = {
  offers: { describe: 'a list', schema: listOf(offer) },
}
