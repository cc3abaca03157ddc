import type { z } from 'zod'
import { NodeError } from '../../errors.ts'

/** A request's body as its schema reads it; BAD_CONFIG_VALUE names the first place that does not fit. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  // Of a name that does not fit, its own reason says more.
  const { message } = (issue?.code === 'invalid_key' && issue.issues[0]) || issue!
  throw new NodeError('BAD_CONFIG_VALUE', `${issue!.path.join('.') || 'body'}: ${message}`)
}
