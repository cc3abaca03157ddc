import { type BeaconInfo, type Pulse, roundAt, timeOf } from '../beacon.ts'
import type { NowMs } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import { epochOf, needsPulse } from '../gpu/slot-schedule.ts'
import type { Log } from '../log.ts'
import type { Verdict } from '../protocols/topic.ts'
import type { PulseVerifier } from '../pulse-verifier.ts'
import { ClockCheck, type ClockFault } from './clock-fault.ts'

/** A pulse with the time at which its bytes reached this node, before they were verified. */
export interface HeardPulse {
  readonly pulse: Pulse
  readonly atMs: number
}

/** The verified pulses of a network's beacon, as far back as slots need them: the running epoch's fill pulse always. */
export interface PulseBook {
  readonly beacon: BeaconInfo
  get(round: number): Pulse | undefined
  /** The newest pulse known. */
  newest(): Pulse | undefined
  /** What the newest pulses say against this machine's clock; undefined when nothing. */
  clockFault(): ClockFault | undefined
  /** Judges untrusted bytes; `ignore` for what is known, not needed, of another time, or while too many wait. */
  offer(round: number, signature: Uint8Array, from?: string): Promise<Verdict>
  /** Whether the beacon sent this, of whatever time; it is not kept. `ignore` while too many wait. */
  check(round: number, signature: Uint8Array): Promise<Verdict>
  /** Calls back for every pulse from now on, once, until `signal` aborts. */
  subscribe(listener: (heard: HeardPulse) => void, signal: AbortSignal): void
}

export interface PulseBookOptions {
  readonly beacon: BeaconInfo
  readonly slots: SlotNetwork
  readonly verifier: PulseVerifier
  readonly nowMs: NowMs
  readonly log: Log
}

/** Pulses this many rounds back are still taken: a slot's, and those its start depends on. */
const BACKWARDS = 256
const KEPT = 1024
/** Rounds of peers' pulses, and checks for others, that may wait for a verification of about 30 ms. */
const MAX_WAITING = 16
/** A peer that sent a bad signature is not verified for again within this time. */
const DISTRUST_MS = 60_000
/** A clock may be this much behind the sender's. */
const AHEAD_MS = 30_000

export function createPulseBook(options: PulseBookOptions): PulseBook {
  const { beacon, slots, verifier, nowMs, log } = options
  const kept = new Map<number, Pulse>()
  const pending = new Map<number, Promise<Verdict>>()
  const distrusted = new Map<string, number>()
  const listeners = new Set<(heard: HeardPulse) => void>()
  const clock = new ClockCheck(slots)
  let newest: Pulse | undefined

  /** The round of the pulse that seeds what GPUs hold now: it is needed to the epoch's end, however old it gets. */
  const runningFill = (): number => epochOf(slots, roundAt(beacon, nowMs()))

  const keep = (pulse: Pulse, atMs: number): void => {
    clock.heard(pulse.round, atMs - timeOf(beacon, pulse.round))
    if (newest === undefined || pulse.round > newest.round) newest = pulse
    kept.set(pulse.round, pulse)
    if (kept.size > KEPT) {
      const running = runningFill()
      kept.delete(Math.min(...[...kept.keys()].filter((round) => round !== running)))
    }
    for (const listener of listeners) listener({ pulse, atMs })
  }

  /** Why a pulse is not even verified, or null. */
  const unwanted = (round: number, from: string | undefined): string | null => {
    if (!needsPulse(slots, round)) return 'no slot needs it'
    if (timeOf(beacon, round) > nowMs() + AHEAD_MS) return 'its time has not come'
    const isOld = round < roundAt(beacon, nowMs()) - BACKWARDS
    if (isOld && round !== runningFill()) return 'long past'
    if (from !== undefined && nowMs() < (distrusted.get(from) ?? 0)) return 'sender sent bad pulses'
    return from !== undefined && pending.size >= MAX_WAITING ? 'too many wait' : null
  }

  async function judge(
    round: number,
    signature: Uint8Array,
    from: string | undefined,
  ): Promise<Verdict> {
    const atMs = nowMs()
    try {
      const pulse = await verifier.verify(round, signature)
      if (pulse === null) {
        if (from !== undefined) distrust(distrusted, from, nowMs())
        return { reject: 'bad signature' }
      }
      if (kept.has(round)) return { ignore: 'known' } // another copy was faster
      keep(pulse, atMs)
      return 'accept'
    } catch (error) {
      log.error('pulse-not-verified', error, { round })
      return { ignore: messageOf(error) }
    }
  }

  let checking = 0
  /** Verifies without keeping. */
  async function verified(round: number, signature: Uint8Array): Promise<Verdict> {
    if (checking >= MAX_WAITING) return { ignore: 'too many wait' }
    checking += 1
    try {
      const pulse = await verifier.verify(round, signature)
      return pulse === null ? { reject: 'bad signature' } : 'accept'
    } catch (error) {
      log.error('pulse-not-verified', error, { round })
      return { ignore: messageOf(error) }
    } finally {
      checking -= 1
    }
  }

  return {
    beacon,
    get: (round) => kept.get(round),
    newest: () => newest,
    clockFault: () => clock.fault(),
    async offer(round, signature, from) {
      const known = kept.get(round)
      if (known !== undefined) {
        // A beacon's signature of a round is unique: another one is bad without looking.
        const same = Buffer.compare(known.signature, signature) === 0
        return same ? { ignore: 'known' } : { reject: 'bad signature' }
      }
      const why = unwanted(round, from)
      if (why !== null) return { ignore: why }
      // Two copies of one pulse arrive at once from two peers: the second waits for the first, and is looked at anew when
      // that was bad, for its sender may be distrusted by then. This node's own source stands in no line of theirs.
      const before = pending.get(round)
      const isKept = before !== undefined && (await before) === 'accept'
      if (isKept || (before !== undefined && from !== undefined)) {
        return this.offer(round, signature, from)
      }
      const verdict = judge(round, signature, from)
      pending.set(round, verdict)
      try {
        return await verdict
      } finally {
        if (pending.get(round) === verdict) pending.delete(round)
      }
    },
    async check(round, signature) {
      const known = kept.get(round)
      if (known === undefined) return verified(round, signature)
      const same = Buffer.compare(known.signature, signature) === 0
      return same ? 'accept' : { reject: 'bad signature' }
    },
    subscribe(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}

function distrust(distrusted: Map<string, number>, from: string, nowMs: number): void {
  for (const [peer, untilMs] of distrusted) if (untilMs < nowMs) distrusted.delete(peer)
  distrusted.set(from, nowMs + DISTRUST_MS)
}
