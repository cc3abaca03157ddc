import { hash } from 'node:crypto'
import type { Network } from '../protocols/network.ts'
import type { SyncSource } from '../protocols/sync.ts'
import { type Admission, judge, type Topic, type Verdict } from '../protocols/topic.ts'

/**
 * What a topic's records are kept in. Gossip and `sync` both write to it, through the same admissions, and `sync`
 * reads from it; so one definition makes a topic heard, repaired and served.
 */
export interface Book {
  readonly topic: Topic
  readonly admissions: readonly Admission[]
  /** True for a record already judged: it needs no second look. */
  readonly known: (id: Uint8Array) => boolean
  /** Its records as they travelled, tombstones included, in the order in which they came. */
  readonly records: SyncSource
  /**
   * A name for what decides whose records can be taken, at most 64 characters: under another name, what was ignored
   * before is asked for again. Undefined: nobody's can be, so nobody is asked. A book without it takes what it is told.
   */
  readonly judgement?: () => string | undefined
}

/** Books of one topic as one: each topic is heard, repaired and served once. */
export function joinBooks(books: readonly Book[]): Book[] {
  const byTopic = Map.groupBy(books, ({ topic }) => topic.name)
  return [...byTopic.values()].map((same) => (same.length === 1 ? same[0]! : joined(same)))
}

const joined = (books: readonly Book[]): Book => ({
  topic: books[0]!.topic,
  admissions: books.flatMap(({ admissions }) => admissions),
  known: (id) => books.some(({ known }) => known(id)),
  records: (after) => inTurn(books, after),
  judgement: () => judgementOf(books),
})

/** The judgements of several books as one; the others' records are asked for though one of them can take none. */
function judgementOf(books: readonly Book[]): string {
  const names = books.map(({ judgement }) => judgement?.() ?? '').join()
  return hash('sha256', names).slice(0, 32)
}

/**
 * The records of one book after the other. A position holds how far each of them was read: whoever has come to the end of
 * the last is still told what is new in the first.
 */
async function* inTurn(
  books: readonly Book[],
  after = '',
): AsyncGenerator<readonly [string, Uint8Array]> {
  const read = after.split(' ')
  const positions = books.map((_, i) => read[i] ?? '')
  for (const [i, { records }] of books.entries()) {
    for await (const [position, bytes] of records(positions[i] || undefined)) {
      positions[i] = position
      yield [positions.join(' '), bytes]
    }
  }
}

/** The verdict on untrusted bytes for a book, as gossip would give it. */
export const judgeFor = (
  book: Book,
  net: Network,
  bytes: Uint8Array,
  from: string,
): Promise<Verdict> => judge(book.topic, book.admissions, bytes, from, { net, known: book.known })
