import { hash } from 'node:crypto'
import { NodeError } from '../../errors.ts'
import { toJson } from '../output.ts'

/** More requests than anybody repeats; the oldest are forgotten. */
const MAX_KEYS = 10_000

/** Remembers what was asked for under which idempotency key, as long as the node runs. */
export interface Idempotency {
  /** Throws BAD_MESSAGE_IDEMPOTENCY when something else was asked for under this key. */
  check(key: string, request: { readonly path: string; readonly body: unknown }): void
}

export function createIdempotency(): Idempotency {
  const digests = new Map<string, string>()
  return {
    check(key, request) {
      const digest = hash('sha256', toJson([request.path, inOrder(request.body)]))
      const before = digests.get(key)
      if (before !== undefined && before !== digest) {
        throw new NodeError(
          'BAD_MESSAGE_IDEMPOTENCY',
          'something else was asked for under this idempotency key',
          { next: 'give each request a key of its own, and repeat it with the same body' },
        )
      }
      digests.delete(key) // what is repeated is young again
      digests.set(key, digest)
      if (digests.size > MAX_KEYS) digests.delete(digests.keys().next().value!)
    },
  }
}

/** The same whatever the order of an object's fields. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return fields.map(([name, field]) => [name, inOrder(field)])
}
