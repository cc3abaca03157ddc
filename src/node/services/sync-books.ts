import { every } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { SYNC_PAGE_BYTES, sync, syncPage } from '../../protocols/sync.ts'
import { MiB, minutesMs, secondsMs } from '../../units.ts'
import { type Book, judgeFor } from '../books.ts'
import type { Core } from '../core.ts'
import type { Service } from '../service.ts'

/** Peers asked each time: one alone could leave out what it does not like. */
const PEERS_ASKED = 3
const BUDGET_BYTES = 16 * MiB
/** A peer whose pages hold more bad records than this is not asked on. */
const BAD_RECORDS = 8

interface Parts {
  readonly core: Core
  readonly rpc: Rpc
  readonly books: readonly Book[]
}

/** Fetches what gossip carried before this node came, or while it was away, and serves the same to others. */
export const syncBooks = ({ core, rpc, books }: Parts): Service => ({
  name: 'sync-books',
  async start(signal) {
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
    const ask = async (peers: readonly string[]): Promise<void> => {
      for (const peer of peers) {
        asked.add(peer)
        try {
          await pullFrom({ core, rpc, books }, peer, signal)
        } catch (error) {
          asked.delete(peer) // it may answer at the next turn
          if (!signal.aborted)
            log.debug('sync-failed', { peer, code: codeOf(error), reason: messageOf(error) })
        }
      }
    }
    const connected = (): string[] => libp2p.getPeers().map(String)
    // The first few peers at once; later a random few, for what gossip lost.
    const local = core.net.network === 'local'
    void every(secondsMs(local ? 1 : 5), { signal, log, name: 'sync-first' }, async () => {
      const fresh = connected().filter((peer) => !asked.has(peer))
      await ask(fresh.slice(0, Math.max(0, PEERS_ASKED - asked.size)))
    })
    void every(local ? secondsMs(5) : minutesMs(3), { signal, log, name: 'sync-again' }, () =>
      ask(someOf(connected(), PEERS_ASKED)),
    )
  },
})

const someOf = <T>(items: readonly T[], count: number): T[] =>
  items
    .map((item) => [Math.random(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, item]) => item)

/** Fetches every book from one peer; resolves with how many records were news. */
export async function pullFrom(
  { core, rpc, books }: Parts,
  peer: string,
  signal: AbortSignal,
): Promise<number> {
  let news = 0
  for (const book of books) news += await pullBook(core, rpc, book, peer, signal)
  if (news > 0) core.events.emit('books-synced', { peer, records: news })
  return news
}

async function pullBook(
  { net }: Core,
  rpc: Rpc,
  book: Book,
  peer: string,
  signal: AbortSignal,
): Promise<number> {
  const topic = book.topic.name
  let [news, bad, bytes, why] = [0, 0, 0, '']
  let cursor: Uint8Array | undefined
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
    // A page without records that promises more would go on for ever.
    cursor = page.records.length > 0 && bytes < BUDGET_BYTES ? page.next : undefined
  } while (cursor !== undefined && !signal.aborted)
  return news
}
