import { every } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { SYNC_PAGE_BYTES, sync, syncPage } from '../../protocols/sync.ts'
import { MiB, minutesMs, secondsMs } from '../../units.ts'
import { type Book, judgeFor } from '../books.ts'
import type { Core } from '../core.ts'
import type { Service } from '../service.ts'
import { createSyncCursors, type SyncCursors } from '../sync-cursors.ts'

/** Peers asked each time: one alone could leave out what it does not like. */
const PEERS_ASKED = 3
/** Turns after which one of them is exchanged for another at random, whom this node asks from the beginning. */
const TURNS_PER_PARTNER = 10
const BUDGET_BYTES = 16 * MiB
/** A peer whose pages hold more bad records than this is not asked on. */
const BAD_RECORDS = 8

interface Parts {
  readonly core: Core
  readonly rpc: Rpc
  readonly books: readonly Book[]
}

/**
 * Fetches what gossip carried before this node came, or while it was away, and serves the same to others. The same
 * few peers are asked for what is new to them, so that a round costs what happened since and not what ever happened;
 * nobody is believed to be complete for long: each is asked from the beginning now and then, and exchanged.
 */
export const syncBooks = ({ core, rpc, books }: Parts): Service => ({
  name: 'sync-books',
  async start(signal) {
    const cursors = await createSyncCursors(core)
    const byTopic = new Map(books.map((book) => [book.topic.name, book]))
    await rpc.serve(
      sync,
      async (asked) => {
        const book = byTopic.get(asked.topic)
        return book === undefined ? { records: [] } : syncPage(book.records, asked)
      },
      signal,
    )
    const { libp2p, log } = core
    const asked = new Set<string>()
    let partners: readonly string[] = []
    let turn = 0
    const ask = async (peers: readonly string[]): Promise<void> => {
      for (const peer of peers) {
        asked.add(peer)
        try {
          await pullFrom({ core, rpc, books, cursors }, peer, signal)
        } catch (error) {
          asked.delete(peer) // it may answer at the next turn
          if (!signal.aborted)
            log.debug('sync-failed', { peer, code: codeOf(error), reason: messageOf(error) })
        }
      }
    }
    const connected = (): string[] => libp2p.getPeers().map(String)
    // The first few peers at once; later the same few again, for what gossip lost.
    const local = core.net.network === 'local'
    void every(secondsMs(local ? 1 : 5), { signal, log, name: 'sync-first' }, async () => {
      const fresh = connected().filter((peer) => !asked.has(peer))
      const first = fresh.slice(0, Math.max(0, PEERS_ASKED - asked.size))
      partners = [...new Set([...partners, ...first])]
      await ask(first)
    })
    void every(
      local ? secondsMs(5) : minutesMs(3),
      { signal, log, name: 'sync-again' },
      async () => {
        turn += 1
        partners = nextPartners(partners, connected(), turn % TURNS_PER_PARTNER === 0)
        await ask(partners)
      },
    )
  },
})

/** Who is asked next: those of before who are still there, without the first of them when one is exchanged, and others at random. */
export function nextPartners(
  before: readonly string[],
  connected: readonly string[],
  exchanging: boolean,
): string[] {
  const there = before.filter((peer) => connected.includes(peer)).slice(0, PEERS_ASKED)
  const kept = exchanging ? there.slice(1) : there
  const others = connected.filter((peer) => !there.includes(peer))
  // Who leaves comes back only where there is nobody else.
  const next = [...shuffled(others), ...there.filter((peer) => !kept.includes(peer))]
  return [...kept, ...next.slice(0, PEERS_ASKED - kept.length)]
}

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => [Math.random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item)

/** Fetches what is new in every book from one peer; resolves with how many records were news. */
export async function pullFrom(
  { core, rpc, books, cursors }: Parts & { readonly cursors: SyncCursors },
  peer: string,
  signal: AbortSignal,
): Promise<number> {
  let news = 0
  for (const book of books) news += await pullBook({ core, rpc, cursors }, book, peer, signal)
  if (news > 0) core.events.emit('books-synced', { peer, records: news })
  return news
}

interface Puller {
  readonly core: Core
  readonly rpc: Rpc
  readonly cursors: SyncCursors
}

async function pullBook(
  { core: { net }, rpc, cursors }: Puller,
  book: Book,
  peer: string,
  signal: AbortSignal,
): Promise<number> {
  const topic = book.topic.name
  const judgement = book.judgement === undefined ? '' : book.judgement()
  if (judgement === undefined) return 0
  let [news, bad, bytes, why] = [0, 0, 0, '']
  let cursor = cursors.of(peer, topic, judgement)
  let more: boolean
  do {
    const asked = { topic, maxBytes: SYNC_PAGE_BYTES, ...(cursor === undefined ? {} : { cursor }) }
    const page = await rpc.ask(sync, peer, asked, signal)
    for (const record of page.records) {
      const verdict = await judgeFor(book, net, record, peer)
      bytes += record.length
      if (verdict === 'accept') news++
      else if ('reject' in verdict) [bad, why] = [bad + 1, verdict.reject]
      if (bad > BAD_RECORDS) {
        throw new NodeError('PEER_BAD_RECORDS', `${peer} serves bad ${topic}: ${why}`)
      }
    }
    cursor = page.next ?? page.resume
    await cursors.reached(peer, topic, judgement, cursor)
    // A page without records that promises more would go on for ever. Past the budget the next visit goes on.
    more = page.next !== undefined && page.records.length > 0 && bytes < BUDGET_BYTES
  } while (more && !signal.aborted)
  return news
}
