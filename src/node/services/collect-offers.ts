import { every } from '../../clock.ts'
import { listenTopic } from '../../protocols/topic.ts'
import { secondsMs } from '../../units.ts'
import type { Book } from '../books.ts'
import type { Core } from '../core.ts'
import { countGossip } from '../metrics/count-gossip.ts'
import type { Offers } from '../offers.ts'
import type { Service } from '../service.ts'

const SWEEP_MS = secondsMs(2)

/** Hears the topic of a book until `signal` aborts. */
export function hearBook(
  { libp2p, net, log, meters }: Core,
  book: Book,
  signal: AbortSignal,
): void {
  const { topic, admissions, known } = book
  const onJudged = countGossip(meters)
  listenTopic(libp2p.services.gossip, topic, admissions, { net, log, signal, known, onJudged })
}

interface Parts {
  readonly core: Core
  readonly offers: Offers
  /** Every book of the node: whatever else travels on the topics of offers is heard with them. */
  readonly books?: readonly Book[]
}

/** Keeps the order book: hears offers and withdrawals, forgets what expired. */
export const collectOffers = ({ core, offers, books = offers.books }: Parts): Service => ({
  name: 'collect-offers',
  async start(signal) {
    const own = new Set(offers.books.map(({ topic }) => topic))
    for (const book of books) if (own.has(book.topic)) hearBook(core, book, signal)
    const options = { signal, log: core.log, name: 'sweep-offers' }
    void every(SWEEP_MS, options, () => offers.sweep())
  },
})
