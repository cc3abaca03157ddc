import type { PeerId } from '@libp2p/interface'
import { roundAt, timeOf } from '../../beacon.ts'
import type { PulseSink } from '../../chain/pulses.ts'
import { every } from '../../clock.ts'
import { codeOf, messageOf } from '../../errors.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import { epochOf, needsPulse } from '../../gpu/slot-schedule.ts'
import {
  MAX_PULSES,
  pulseCodec,
  pulses as pulsesProtocol,
  pulsesTopic,
  type SignedPulse,
} from '../../protocols/pulses.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { listenRaw, topicName, type Verdict } from '../../protocols/topic.ts'
import type { ClockFault } from '../clock-fault.ts'
import type { Core } from '../core.ts'
import { countGossip } from '../metrics/count-gossip.ts'
import type { PulseBook } from '../pulse-book.ts'
import type { Service } from '../service.ts'

/** Where pulses come from besides gossip: a chain of a local network, or the beacon's own servers. */
export interface PulseSource {
  /** Brings every new pulse to `sink` until `signal` aborts. */
  follow(sink: PulseSink, signal: AbortSignal): Promise<void>
  /** A pulse of the past, where the source keeps them; undefined when it does not have this one. */
  pulse?(round: number, signal: AbortSignal): Promise<SignedPulse | undefined>
}

interface Parts {
  readonly core: Core
  readonly rpc: Rpc
  readonly pulses: PulseBook
  readonly pulseSource?: PulseSource | undefined
}

/** Missed pulses are asked for once they are this late. */
const LATE_MS = 1500
/** How far back a node that was away asks. */
const BACK_ROUNDS = 64
const PEERS_ASKED = 3

/** Carries the beacon's pulses: verifies what gossip brings, publishes what a source brings, fetches what was missed. */
export const relayPulses = ({ core, rpc, pulses, pulseSource }: Parts): Service => {
  const { libp2p, net, log, nowMs } = core
  const slots = slotNetworks[net.network]
  const { gossip } = libp2p.services
  let asked = 0

  async function judge(data: Uint8Array, from: string): Promise<Verdict> {
    try {
      const { round, signature } = pulseCodec.decode(data)
      return await pulses.offer(round, signature, from)
    } catch (error) {
      return { reject: messageOf(error) }
    }
  }

  /** Keeps and publishes what the source told, if it is true; false when it is not. */
  async function take({ round, signature }: SignedPulse): Promise<boolean> {
    const verdict = await pulses.offer(round, signature)
    if (verdict !== 'accept') return !('reject' in verdict)
    try {
      await gossip.publish(topicName(net, pulsesTopic), pulseCodec.encode({ round, signature }))
    } catch (error) {
      log.debug('pulse-not-published', { round, reason: messageOf(error) })
    }
    return true
  }

  const sink: PulseSink = {
    has: (round) => pulses.get(round) !== undefined,
    take: ({ round, signature }) => take({ round, signature }),
  }

  /** Rounds a slot may need, whose time has come, that did not arrive: the running epoch's fill pulse among them. */
  function missing(): number[] {
    const newest = roundAt(pulses.beacon, nowMs() - LATE_MS)
    const back = Math.min(BACK_ROUNDS, slots.spacing)
    const recent = Array.from({ length: back }, (_, i) => newest - i)
    const rounds = [...new Set([epochOf(slots, newest), ...recent])].slice(0, MAX_PULSES)
    return rounds.filter((r) => r >= 1 && needsPulse(slots, r) && pulses.get(r) === undefined)
  }

  /** The fill pulse is hours old for most of an epoch: the source may have it when no peer that is known does. */
  async function fetchFill(signal: AbortSignal): Promise<void> {
    const fill = epochOf(slots, roundAt(pulses.beacon, nowMs() - LATE_MS))
    if (pulseSource?.pulse === undefined || !missing().includes(fill)) return
    try {
      const pulse = await pulseSource.pulse(fill, signal)
      if (pulse !== undefined) await take(pulse)
    } catch (error) {
      log.debug('fill-pulse-not-fetched', { round: fill, code: codeOf(error) })
    }
  }

  /** Other peers each time: the first few may all be newcomers. */
  function somePeers(): PeerId[] {
    const peers = libp2p.getPeers()
    const first = asked % Math.max(1, peers.length)
    asked += PEERS_ASKED
    return [...peers.slice(first), ...peers.slice(0, first)].slice(0, PEERS_ASKED)
  }

  async function fetchMissing(signal: AbortSignal): Promise<void> {
    await fetchFill(signal)
    for (const peer of somePeers()) {
      const rounds = missing()
      if (rounds.length === 0) return
      try {
        const answer = await rpc.ask(pulsesProtocol, peer, { rounds }, signal)
        for (const { round, signature } of answer.pulses) {
          if (rounds.includes(round)) await pulses.offer(round, signature, peer.toString())
        }
      } catch (error) {
        if (signal.aborted) return
        log.debug('pulses-not-fetched', { peer: peer.toString(), code: codeOf(error) })
      }
    }
  }

  /** A person is told once, until the clock is right again. */
  function warnOfClock(signal: AbortSignal): void {
    let told: ClockFault | undefined
    pulses.subscribe(() => {
      const fault = pulses.clockFault()
      if (fault !== undefined && fault !== told) {
        log.warn('clock-wrong', {
          fault,
          next: 'set the clock by NTP; this node abstains meanwhile',
        })
      }
      told = fault
    }, signal)
  }

  return {
    name: 'relay-pulses',
    async start(signal) {
      const onJudged = countGossip(core.meters)
      listenRaw(gossip, pulsesTopic, judge, { net, log, signal, onJudged })
      await rpc.serve(
        pulsesProtocol,
        async ({ rounds }) => ({
          pulses: rounds.flatMap((round) => {
            const pulse = pulses.get(round)
            return pulse === undefined ? [] : [{ round, signature: pulse.signature }]
          }),
        }),
        signal,
      )
      const follow = pulseSource?.follow(sink, signal)
      follow?.catch((error) => log.error('pulse-source-failed', error))
      warnOfClock(signal)
      const periodMs = Math.max(1000, timeOf(pulses.beacon, 2) - timeOf(pulses.beacon, 1))
      const loop = { signal, log, name: 'fetch-pulses' }
      void every(periodMs, loop, () => fetchMissing(signal))
    },
  }
}
