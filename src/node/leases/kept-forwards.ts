import { randomBytes } from 'node:crypto'
import type { LeaseForward } from '../../api/lease-forwards.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { FoundLease } from './find-lease.ts'
import { type Forward, forwardPort } from './forward-port.ts'
import type { RentBook } from './rent-book.ts'
import { untilEnded } from './until-ended.ts'

/** Ports that listen at once. */
const MAX_OPEN = 64
/** Closed ones that are still told of. */
const MAX_CLOSED = 64

/** Ports of leases that the node listens for by itself, on loopback alone. */
export interface KeptForwards extends AsyncDisposable {
  /** @throws REFUSED_FORWARDS, BAD_CONFIG_PORT, FAILED_LEASE_ENDED */
  open(lease: FoundLease, ports: { port: number; localPort: number }): Promise<LeaseForward>
  /** Of one lease, newest first. */
  list(lease: string): LeaseForward[]
  /** Again: no change. @throws NOTHING_MATCHED */
  close(lease: string, id: string): Promise<LeaseForward>
}

interface Kept {
  view: LeaseForward
  /** Undefined once it is closed. */
  close: ((reason: string) => Promise<void>) | undefined
}

/** They end with their lease, and all of them when this is disposed. */
export function createKeptForwards(book: RentBook): KeptForwards {
  const all = new Map<string, Kept>()
  const isOpen = ({ close }: Kept): boolean => close !== undefined
  let opening = 0

  const forget = (): void => {
    const closed = [...all].filter(([, kept]) => !isOpen(kept))
    for (const [id] of closed.slice(0, Math.max(0, closed.length - MAX_CLOSED))) all.delete(id)
  }

  async function keep(
    found: FoundLease,
    { port, localPort }: { port: number; localPort: number },
  ): Promise<LeaseForward> {
    const id = randomBytes(6).toString('hex')
    const life = new AbortController()
    const onFailure = (error: unknown): void => {
      if (kept === undefined) return
      if (codeOf(error) === 'FAILED_LEASE_ENDED') void kept.close?.(messageOf(error))
      const { failed } = kept.view
      kept.view = { ...kept.view, failed: failed + 1, failure: messageOf(error) }
    }
    let kept: Kept | undefined
    const listening: Forward = await forwardPort(book, found, {
      ...{ bind: '127.0.0.1', local: localPort, port, onFailure },
    })
    const { local } = listening
    kept = {
      view: {
        ...{ id, lease: found.id, port, localPort: local, url: `http://localhost:${local}/` },
        ...{ openedAtMs: book.nowMs(), closedAtMs: null, reason: null, failed: 0, failure: null },
      },
      async close(reason) {
        if (kept === undefined || !isOpen(kept)) return
        kept.close = undefined
        kept.view = { ...kept.view, closedAtMs: book.nowMs(), reason }
        life.abort()
        book.events.emit('forward-closed', { id: found.id, forward: id, port, reason })
        forget()
        await listening[Symbol.asyncDispose]()
      },
    }
    all.set(id, kept)
    book.events.emit('forward-opened', { id: found.id, forward: id, port, local })
    void untilEnded(book, found, life.signal).then((ended) => {
      if (ended !== undefined) return kept?.close?.(ended.message)
    })
    return kept.view
  }

  return {
    async open(found, ports) {
      if ([...all.values()].filter(isOpen).length + opening >= MAX_OPEN) {
        throw new NodeError('REFUSED_FORWARDS', `${MAX_OPEN} ports are forwarded already`, {
          next: 'close one of them first',
        })
      }
      opening += 1
      try {
        return await keep(found, ports)
      } finally {
        opening -= 1
      }
    },
    list: (lease) =>
      [...all.values()]
        .map(({ view }) => view)
        .filter((view) => view.lease === lease)
        .reverse(),
    async close(lease, id) {
      const kept = all.get(id)
      if (kept === undefined || kept.view.lease !== lease) {
        throw new NodeError('NOTHING_MATCHED', `there is no forwarded port ${id} of this lease`)
      }
      await kept.close?.('closed')
      return kept.view
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...all.values()].map(({ close }) => close?.('the node stops')))
    },
  }
}
