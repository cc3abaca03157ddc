import { randomBytes } from 'node:crypto'
import type { SyncSource } from '../protocols/sync.ts'

/**
 * A book's records in the order in which they came, so that a peer that comes again is told only what came since. A
 * record is known by its byte array, which its book keeps: its number is given at the first visit after it came.
 * Numbers are of this run of the node; a position of another run starts from the beginning.
 */
export function inOrderOfArrival(records: () => Iterable<Uint8Array>): SyncSource {
  const run = randomBytes(9).toString('base64url')
  const numbers = new WeakMap<Uint8Array, number>()
  let last = 0
  const numberOf = (record: Uint8Array): number => {
    const known = numbers.get(record)
    if (known !== undefined) return known
    numbers.set(record, ++last)
    return last
  }
  return async function* (after) {
    const [of, number] = after?.split('/') ?? []
    const from = of === run ? Number(number) : 0
    const rest: (readonly [number, Uint8Array])[] = []
    for (const record of records()) {
      const n = numberOf(record)
      if (n > from) rest.push([n, record])
    }
    rest.sort(([a], [b]) => a - b)
    for (const [n, record] of rest) yield [`${run}/${n}`, record]
  }
}
