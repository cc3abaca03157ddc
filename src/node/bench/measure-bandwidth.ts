import { randomBytes } from 'node:crypto'
import { NodeError } from '../../errors.ts'
import {
  BANDWIDTH_BYTES,
  BANDWIDTH_MS,
  bandwidth,
  carriedCodec,
} from '../../protocols/bandwidth.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { openTunnel } from '../../protocols/tunnel.ts'
import { KiB } from '../../units.ts'

/** What the way to a peer carries, Mbit/s as this end sees it. */
export interface Bandwidth {
  readonly downMbps: number
  readonly upMbps: number
}

export interface MeasureLimits {
  readonly maxBytes: number
  readonly maxMs: number
}
const LIMITS: MeasureLimits = { maxBytes: BANDWIDTH_BYTES, maxMs: BANDWIDTH_MS }
const CHUNK_BYTES = 64 * KiB

/**
 * Measures both directions to a peer, each for two seconds or 64 MiB; `onStage` is told which.
 * @throws the peer's refusal (REFUSED_BUSY, REFUSED_QUOTA), PEER_UNSUPPORTED, PEER_UNREACHABLE, PEER_LOST
 */
export async function measureBandwidth(
  rpc: Pick<Rpc, 'peers'>,
  peer: string,
  signal: AbortSignal,
  onStage: (stage: 'down' | 'up') => void = () => undefined,
  limits: MeasureLimits = LIMITS,
): Promise<Bandwidth> {
  onStage('down')
  const downMbps = await measure('down', down)
  onStage('up')
  return { downMbps, upMbps: await measure('up', up) }

  async function measure(direction: 'down' | 'up', carry: typeof down): Promise<number> {
    const life = new AbortController()
    const either = AbortSignal.any([signal, life.signal])
    const channel = await openTunnel(rpc, bandwidth, peer, { direction, ...limits }, either)
    try {
      return await carry(channel, limits)
    } finally {
      life.abort(new Error('measured'))
    }
  }
}

/** From the first bytes on: before them it was the way there and back. */
async function down(channel: FrameChannel, { maxMs }: MeasureLimits): Promise<number> {
  let [bytes, startMs, ms] = [0, 0, 0]
  for await (const { data } of channel.frames()) {
    const now = performance.now()
    if (startMs === 0) startMs = now
    else bytes += data.length
    ms = now - startMs
    if (ms >= maxMs) break
  }
  return mbpsOf(bytes, ms)
}

async function up(channel: FrameChannel, { maxBytes }: MeasureLimits): Promise<number> {
  const chunk = randomBytes(CHUNK_BYTES)
  const answer = carriedOf(channel)
  let isAnswered = false
  const done = answer.finally(() => {
    isAnswered = true
  })
  const sending = (async () => {
    for (let sent = 0; sent < maxBytes && !isAnswered; sent += chunk.length) {
      await channel.send(0, chunk.subarray(0, maxBytes - sent))
    }
  })()
  // The peer answers when its time is over, while this end still has bytes under way.
  const { bytes, ms } = await Promise.race([done, sending.then(() => done)])
  return mbpsOf(bytes, ms)
}

async function carriedOf(channel: FrameChannel) {
  for await (const { data } of channel.frames()) return carriedCodec.decode(data)
  throw new NodeError('PEER_LOST', 'the peer did not say what came')
}

const mbpsOf = (bytes: number, ms: number): number => (bytes * 8) / 1000 / Math.max(1, ms)
