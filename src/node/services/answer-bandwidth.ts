import { randomBytes } from 'node:crypto'
import { timeOf } from '../../beacon.ts'
import { NodeError } from '../../errors.ts'
import { type SlotNetwork, slotNetworks } from '../../gpu/slot-network.ts'
import { bandwidth, carriedCodec } from '../../protocols/bandwidth.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { serveTunnel } from '../../protocols/tunnel.ts'
import { KiB, secondsMs } from '../../units.ts'
import { createBandwidthDesk } from '../bench/bandwidth-desk.ts'
import type { Core } from '../core.ts'
import { followSlots } from '../follow-slots.ts'
import type { HostBook } from '../leases/host-book.ts'
import type { PulseBook } from '../pulse-book.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Pick<Core, 'net' | 'nowMs'>
  readonly rpc: Rpc
  /** A running slot comes first. */
  readonly pulses?: PulseBook | undefined
  /** A tenant's line is its own. */
  readonly hosting?: Pick<HostBook, 'live'> | undefined
}

type Asked = ReturnType<typeof bandwidth.request.decode>

const CHUNK_BYTES = 64 * KiB
/** What a visitor may take beyond its time, to start and to read the answer. */
const GRACE_MS = secondsMs(3)

/** Lets peers measure the line to this node while it is idle: one at a time, bounded in bytes, time and share. */
export const answerBandwidth = ({ core, rpc, pulses, hosting }: Parts): Service => {
  const { net, nowMs } = core
  const slots = slotNetworks[net.network]
  let slot: number | undefined

  function busy(): string | undefined {
    const leases = [...(hosting?.live.values() ?? [])]
    if (leases.some(({ lease }) => lease.state !== 'QUOTED')) return 'a lease runs'
    return slot !== undefined && pulses !== undefined && isRunning(slot, pulses, slots, nowMs())
      ? 'a slot runs'
      : undefined
  }

  const desk = createBandwidthDesk({ nowMs, busy })
  return {
    name: 'answer-bandwidth',
    async start(signal) {
      if (pulses !== undefined) {
        const onSlot = (round: number): void => {
          slot = round
        }
        followSlots({ pulses, slots, nowMs }, { onSlot, onPulse: () => undefined }, signal)
      }
      await serveTunnel(
        rpc,
        bandwidth,
        async (asked, channel, caller) => {
          const leave = desk.enter(caller, asked.direction)
          const late = new NodeError('REFUSED_BUSY', 'it took too long')
          // Also ends a tunnel whose visitor has its answer and stays.
          const timer = setTimeout(() => channel.abort(late), asked.maxMs + GRACE_MS)
          caller.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
          try {
            if (asked.direction === 'down') await send(channel, asked, busy)
            else await receive(channel, asked, busy)
          } finally {
            leave()
          }
        },
        signal,
      )
    },
  }
}

const isRunning = (slot: number, { beacon }: PulseBook, slots: SlotNetwork, now: number): boolean =>
  now < timeOf(beacon, slot + slots.close)

async function send(
  channel: FrameChannel,
  { maxBytes, maxMs }: Asked,
  busy: () => string | undefined,
): Promise<void> {
  const chunk = randomBytes(CHUNK_BYTES) // nothing on the way can make it smaller
  const endMs = performance.now() + maxMs
  for (let sent = 0; sent < maxBytes && performance.now() < endMs; sent += chunk.length) {
    if (busy() !== undefined) return
    await channel.send(0, chunk.subarray(0, maxBytes - sent))
  }
}

async function receive(
  channel: FrameChannel,
  { maxBytes, maxMs }: Asked,
  busy: () => string | undefined,
): Promise<void> {
  let [bytes, startMs, ms] = [0, 0, 0]
  for await (const { data } of channel.frames()) {
    const now = performance.now()
    if (bytes === 0) startMs = now
    bytes += data.length
    ms = now - startMs
    if (bytes >= maxBytes || ms >= maxMs || busy() !== undefined) break
  }
  await channel.send(0, carriedCodec.encode({ bytes, ms: Math.round(ms) }))
}
