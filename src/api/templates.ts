import { z } from 'zod'
import { listOf, whole } from './common.ts'
import { route } from './route.ts'

const templateVolume = z.strictObject({
  name: z.string(),
  path: z.string(),
  sizeMiB: whole.optional(),
  readOnly: z.literal(true).optional(),
  cache: z
    .literal(true)
    .optional()
    .describe('it holds what can be had again: the lease goes without where it cannot be mounted'),
})

/** What a template says of a lease. */
export const template = z
  .strictObject({
    name: z.string(),
    describe: z.string().optional().describe('one line for people'),
    image: z.string(),
    command: z.array(z.string()).optional().describe('absent: it idles and waits for shells'),
    env: z
      .record(z.string(), z.string())
      .optional()
      .describe("`$NAME` in a value is the renter's own variable, `$$` is a dollar sign"),
    ports: z.array(whole).optional(),
    volumes: z.array(templateVolume).optional().describe('what outlives the lease'),
  })
  .meta({ id: 'Template', description: 'What a template says of a lease' })
export type Template = z.infer<typeof template>

export const templateRoutes = {
  listTemplates: route({
    method: 'GET',
    path: '/v1/templates',
    scope: 'read',
    kind: 'json',
    summary: 'The templates that come with the program, by name',
    answer: listOf(template),
  }),
}
