import { randomBytes } from 'node:crypto'
import type { SyncSource } from '../protocols/sync.ts'

type Numbered = readonly [number: number, record: Uint8Array]

/**
 * A book's records in the order in which they came, so that a peer that comes again is told only what came since. A
 * record is known by its byte array, which its book keeps: its number is given at the first visit after it came.
 * Numbers are of this run of the node; a position of another run starts from the beginning. A large book says by
 * `revision` whether it changed: anybody may ask for page after page, and putting 100,000 records in order takes 80 ms.
 */
export function inOrderOfArrival(
  records: () => Iterable<Uint8Array>,
  revision?: () => number,
): SyncSource {
  const run = randomBytes(9).toString('base64url')
  const numbers = new WeakMap<Uint8Array, number>()
  let last = 0
  let sorted: { readonly at: number | undefined; readonly all: readonly Numbered[] } | undefined

  function numbered(record: Uint8Array): Numbered {
    const number = numbers.get(record) ?? ++last
    numbers.set(record, number)
    return [number, record]
  }

  function inOrder(): readonly Numbered[] {
    const at = revision?.()
    if (sorted === undefined || at === undefined || sorted.at !== at) {
      const all = Array.from(records(), numbered).toSorted(([a], [b]) => a - b)
      sorted = { at, all }
    }
    return sorted.all
  }

  return async function* (after) {
    const [of, number] = after?.split('/') ?? []
    const from = of === run ? Number(number) : 0
    const all = inOrder()
    for (let i = firstAbove(all, from); i < all.length; i++) {
      const [n, record] = all[i]!
      yield [`${run}/${n}`, record]
    }
  }
}

/** Where the numbers above `from` begin, by halving. */
function firstAbove(all: readonly Numbered[], from: number): number {
  let [low, high] = [0, all.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (all[middle]![0] > from) high = middle
    else low = middle + 1
  }
  return low
}
