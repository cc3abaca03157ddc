import type { NowMs } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { createQuota } from '../../protocols/quota.ts'
import type { Caller } from '../../protocols/rpc.ts'
import { secondsMs } from '../../units.ts'

/** Whom a node lets measure its line, and when. */
export interface BandwidthDesk {
  /**
   * Lets a caller in for one direction; whoever was let in calls what this gives when it is done.
   * @throws REFUSED_BUSY, REFUSED_QUOTA
   */
  enter(caller: Pick<Caller, 'peerId' | 'prefix'>, direction: string): () => void
}

export interface BandwidthDeskNeeds {
  readonly nowMs: NowMs
  /** What this node would rather do now; undefined when it is idle. */
  readonly busy: () => string | undefined
}

/** Visits of all peers behind one address. */
const PER_ADDRESS_PER_MINUTE = 8
/** Rest after a visit, in times of its length: a fifth of the line at most goes to strangers. */
const REST = 4
/** Within this time a visitor's other direction belongs to its visit. */
const VISIT_MS = secondsMs(10)

interface Visit {
  readonly peerId: string
  readonly sinceMs: number
  readonly directions: Set<string>
  isOpen: boolean
  restUntilMs: number
}

/** One visit at a time, each direction once, and a rest after it. */
export function createBandwidthDesk({ nowMs, busy }: BandwidthDeskNeeds): BandwidthDesk {
  const addresses = createQuota(PER_ADDRESS_PER_MINUTE, nowMs)
  let last: Visit | undefined

  function visitOf(peerId: string, direction: string): Visit {
    const now = nowMs()
    if (last?.isOpen === true) throw refused('another peer measures')
    const goesOn =
      last?.peerId === peerId && !last.directions.has(direction) && now < last.sinceMs + VISIT_MS
    if (last !== undefined && goesOn) return last
    if (last !== undefined && now < last.restUntilMs)
      throw refused('another peer has just measured')
    return { peerId, sinceMs: now, directions: new Set(), isOpen: false, restUntilMs: 0 }
  }

  return {
    enter({ peerId, prefix }, direction) {
      const why = busy()
      if (why !== undefined) throw refused(why)
      const visit = visitOf(peerId, direction)
      if (prefix !== undefined && !addresses.take({ peerId: prefix, prefix: undefined })) {
        throw new NodeError('REFUSED_QUOTA', `more than ${PER_ADDRESS_PER_MINUTE} a minute`, {
          next: 'wait a minute',
        })
      }
      visit.directions.add(direction)
      visit.isOpen = true
      last = visit
      const startedMs = nowMs()
      return () => {
        visit.isOpen = false
        visit.restUntilMs = Math.max(visit.restUntilMs, nowMs()) + REST * (nowMs() - startedMs)
      }
    },
  }
}

const refused = (why: string): NodeError =>
  new NodeError('REFUSED_BUSY', `no line to measure now: ${why}`, {
    next: 'ask again in a minute, or another peer',
  })
