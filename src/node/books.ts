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

/** The verdict on untrusted bytes for a book, as gossip would give it. */
export const judgeFor = (
  book: Book,
  net: Network,
  bytes: Uint8Array,
  from: string,
): Promise<Verdict> => judge(book.topic, book.admissions, bytes, from, { net, known: book.known })
