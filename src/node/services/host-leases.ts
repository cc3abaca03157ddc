import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { deadline, every, sleep } from '../../clock.ts'
import { leaseProtocol } from '../../protocols/lease.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import { receiptsProtocol } from '../../protocols/receipts.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { secondsMs } from '../../units.ts'
import { adoptLeases } from '../leases/adopt.ts'
import { answerLease, dropQuotes } from '../leases/host-answers.ts'
import type { HostBook } from '../leases/host-book.ts'
import { callTurns, sweepQueue } from '../leases/host-queue.ts'
import { answerReceipts } from '../leases/host-receipts.ts'
import { closeLease } from '../leases/host-run.ts'
import { isOver, isRunning } from '../leases/lease-machine.ts'
import type { Service } from '../service.ts'

/** How long a stopping node takes to end its leases in order. */
const STOP_MS = secondsMs(12)
/** A turn that nobody uses is held this much longer at most. */
const SWEEP_MS = secondsMs(1)
/** How long what is still written may take. */
const IDLE_MS = secondsMs(3)
/** How long renters that are there may take to countersign what they hear last. */
const FAREWELL_MS = secondsMs(3)
/** What was answered last is on its way this long, on a line that the node closes after it. */
const LAST_WORDS_MS = 200

/**
 * Hosts leases: quotes, starts, meters and ends them; adopts what a run before this one left behind. Where leases end
 * with the node, their renters hear it from the node, before it stops to answer.
 */
export const hostLeases = ({
  rpc,
  hosting: book,
  core: { libp2p },
}: {
  readonly rpc: Rpc
  readonly hosting: HostBook
  readonly core: { readonly libp2p: Pick<Libp2p, 'getConnections'> }
}): Service => ({
  name: 'host-leases',
  async start(signal) {
    // Adopted before anyone asks, so that devices which are in use are not quoted again.
    await adoptLeases(book)
    await rpc.serve(leaseProtocol, (request, caller) => answerLease(book, request, caller), signal)
    await rpc.serve(
      receiptsProtocol,
      (request, { peerId }) => answerReceipts(book, request, peerId),
      signal,
    )
    book.capacity.onChange(() => callTurns(book), signal)
    void every(SWEEP_MS, { signal, log: book.log, name: 'sweep-queue' }, async () => {
      await sweepQueue(book)
    })
    void every(secondsMs(5), { signal, log: book.log, name: 'drop-quotes' }, async () => {
      await dropQuotes(book, ({ terms }) => terms.acceptByMs < book.nowMs())
    })
  },
  async leave() {
    if (!book.endOnStop) return
    book.isLeaving = true
    book.capacity.close('it stops')
    await dropQuotes(book, () => true)
    const isThere = (peerId: string): boolean =>
      libp2p.getConnections(peerIdFromString(peerId)).length > 0
    await endAll(book, isThere)
  },
  async stop() {
    book.lifetime.abort(new Error('this node stops'))
    await Promise.race([book.idle(), sleep(IDLE_MS)])
  },
})

/**
 * Ends every lease and lets the renters that are there take leave. Those whose last countersignature is missing are
 * settled after the next start.
 */
async function endAll(book: HostBook, isThere: (renter: string) => boolean): Promise<void> {
  using limit = deadline(undefined, STOP_MS)
  const running = [...book.live.values()].filter(({ lease }) => isRunning(lease))
  const ending = endingOf('miner-stopped')
  const { signal } = limit
  const closed = running.map(async (now) => {
    // Settlement may wait for the renter for hours; what must happen now is that the container goes.
    book.background(closeLease(book, now, ending))
    const gone = () => (book.capacity.holds(now.id) ? undefined : true)
    await book.changes.until(now.id, gone, { ms: STOP_MS, signal })
    if (!isThere(now.terms.renter)) return
    const settled = () => isOver(now.lease) || undefined
    await book.changes.until(now.id, settled, { ms: FAREWELL_MS, signal })
  })
  await Promise.all(closed)
  if (running.some(({ terms }) => isThere(terms.renter))) await sleep(LAST_WORDS_MS)
}
