import { sleep } from '../../../clock.ts'
import type { Container } from '../../../containers/engine.ts'
import type { Snapshot } from '../../../containers/snapshot.ts'
import { messageOf, NodeError } from '../../../errors.ts'
import type { Log } from '../../../log.ts'
import { secondsMs } from '../../../units.ts'

/** How long the image is kept for a renter whose connection broke; as long as a shell is. */
export const SNAPSHOT_GRACE_MS = secondsMs(60)
/** Each takes the miner's disk and its line: on all leases together. */
const MAX_AT_ONCE = 2

/** How long a stopping node waits for an engine that is making one. */
const STOP_MS = secondsMs(3)

/** What a session reads from: an image that is made, or is there. */
export interface HeldSnapshot {
  readonly snapshot: Promise<Snapshot>
  /** Aborts when its renter came back on another connection. */
  readonly takenOver: AbortSignal
  /** Ends the reading: `kept`, for a renter that may come back within the grace; else the image goes, now. */
  end(outcome: 'over' | 'kept'): Promise<void>
}

/** Who asks for one, of which container. */
export interface SnapshotWish {
  readonly container: Container
  readonly peerId: string
  readonly tag: string
  /** True: it goes on with one that it began before. */
  readonly resumes: boolean
  /** Aborts when the lease ends. */
  readonly closing: AbortSignal
  readonly make: (signal: AbortSignal) => Promise<Snapshot>
}

/** The snapshots of a miner that are read, and those whose renters may come back. */
export interface KeptSnapshots {
  /** @throws REFUSED_SNAPSHOT while somebody reads one of this lease, or too many are made */
  take(wish: SnapshotWish): Promise<HeldSnapshot>
  /** Removes them all; one that is still made then goes when it is, or when the node starts again. */
  close(): Promise<void>
}

interface Making {
  readonly peerId: string
  readonly tag: string
  readonly snapshot: Promise<Snapshot>
  readonly life: AbortController
  reader: { readonly leave: AbortController; readonly left: Promise<void> } | undefined
  timer: NodeJS.Timeout | undefined
}

/** Containers of which an image is made now, of all miners of this process. */
const standing = new WeakSet<Container>()

/** Whether a container may stand still because an image of it is made. */
export const isBeingSnapshotted = (container: Container | undefined): boolean =>
  container !== undefined && standing.has(container)

export function createKeptSnapshots({
  log,
  graceMs = SNAPSHOT_GRACE_MS,
}: {
  readonly log: Log
  readonly graceMs?: number | undefined
}): KeptSnapshots {
  const all = new Map<Container, Making>()

  /** The image goes; also one that is still being made, as soon as it is. */
  async function drop(container: Container, making: Making): Promise<void> {
    clearTimeout(making.timer)
    making.life.abort(new NodeError('FAILED', 'nobody reads it any more'))
    try {
      await (await making.snapshot)[Symbol.asyncDispose]()
    } catch (error) {
      // What could not be made has left nothing; what could not be removed is found when the node starts.
      log.info('snapshot-ended', { lease: container.leaseId, reason: messageOf(error) })
    }
    if (all.get(container) === making) all.delete(container)
  }

  function begin({ container, peerId, tag, closing, make }: SnapshotWish): Making {
    const life = new AbortController()
    standing.add(container)
    const making: Making = {
      ...{ peerId, tag, life, reader: undefined, timer: undefined },
      snapshot: make(AbortSignal.any([life.signal, closing])).finally(() =>
        standing.delete(container),
      ),
    }
    making.snapshot.catch(() => undefined) // its reader is told
    all.set(container, making)
    const over = (): void => {
      if (making.reader === undefined) void drop(container, making)
    }
    closing.addEventListener('abort', over, { once: true, signal: life.signal })
    return making
  }

  function read(container: Container, making: Making, closing: AbortSignal): HeldSnapshot {
    clearTimeout(making.timer)
    const left = Promise.withResolvers<void>()
    const leave = new AbortController()
    making.reader = { leave, left: left.promise }
    return {
      snapshot: making.snapshot,
      takenOver: leave.signal,
      async end(outcome) {
        making.reader = undefined
        if (outcome === 'over' || closing.aborted) await drop(container, making)
        else making.timer = setTimeout(() => void drop(container, making), graceMs).unref()
        left.resolve()
      },
    }
  }

  /** The one that a renter comes back to; what is in the way of another one goes, or refuses it. */
  async function before(wish: SnapshotWish): Promise<Making | undefined> {
    const { container, peerId, tag, resumes } = wish
    for (;;) {
      const making = all.get(container)
      if (making === undefined) return undefined
      const isOwn = making.peerId === peerId && making.tag === tag
      if (making.life.signal.aborted || (making.reader !== undefined && !(resumes && isOwn))) {
        throw refused('a snapshot of this lease is being made already')
      }
      if (making.reader === undefined && resumes && isOwn) return making
      if (making.reader === undefined) await drop(container, making)
      else {
        making.reader.leave.abort(new NodeError('PEER_LOST', 'it goes on on another connection'))
        await making.reader.left
      }
    }
  }

  return {
    async take(wish) {
      const { container, closing } = wish
      const known = await before(wish)
      if (known !== undefined) return read(container, known, closing)
      if (all.size >= MAX_AT_ONCE) throw refused('other snapshots are being made')
      return read(container, begin(wish), closing)
    },
    async close() {
      const dropped = Promise.all([...all].map(([container, making]) => drop(container, making)))
      const done = new AbortController()
      const waited = sleep(STOP_MS, done.signal).catch(() => undefined) // dropped: nobody waits
      await Promise.race([dropped, waited])
      done.abort()
    },
  }
}

const refused = (message: string): NodeError =>
  new NodeError('REFUSED_SNAPSHOT', message, { next: 'try again in a while' })
