import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { sleep } from '../src/clock.ts'
import { cborCodec } from '../src/protocols/codec.ts'
import { integer } from '../src/protocols/fields.ts'
import type { FrameChannel } from '../src/protocols/frames.ts'
import { defineTunnel, openTunnel, serveTunnel } from '../src/protocols/tunnel.ts'
import { KiB, MiB } from '../src/units.ts'
import { type Bench, median } from './support/bench.ts'
import { answerParent, type Child, startChild } from './support/child.ts'
import { type BenchPeer, startPeer } from './support/peer.ts'

const ROUNDS = 7
const RAW_MIB = 512
const TUNNEL_MIB = 256
const STALL_MIB = 512
const STALL_MS = 3000
const CHUNK = 64 * KiB

/** The product's bulk path: a byte tunnel with checksums, backpressure on both sides. */
const fire = defineTunnel({
  name: 'bench',
  request: cborCodec(z.looseObject({ mib: integer(1, 1e6) }), 64),
  limits: { requestBytes: 64, timeoutMs: 60_000, perPeerPerMinute: 1e9 },
})

interface Addresses {
  readonly addrs: string[]
  readonly peerId: string
  readonly rawPort: number
}

if (process.argv[2] === 'stream-child') {
  let sentMiB = 0
  const sendTunnel = async (mib: number, channel: FrameChannel): Promise<void> => {
    const chunk = Buffer.alloc(CHUNK, 7)
    for (sentMiB = 0; sentMiB < mib; sentMiB += CHUNK / MiB) await channel.send(0, chunk)
  }
  const start = async (): Promise<Addresses> => {
    const peer = await startPeer()
    await serveTunnel(peer.rpc, fire, ({ mib }, channel) => sendTunnel(mib, channel), never)
    const raw = net.createServer((socket) => void sendRaw(socket))
    await once(raw.listen(0, '127.0.0.1'), 'listening')
    return {
      addrs: peer.libp2p.getMultiaddrs().map(String),
      peerId: peer.libp2p.peerId.toString(),
      rawPort: (raw.address() as AddressInfo).port,
    }
  }
  answerParent((message: 'start' | 'state') =>
    message === 'start' ? start() : Promise.resolve({ rssMiB: rssMiB(), sentMiB }),
  )
}

async function sendRaw(socket: Duplex): Promise<void> {
  const chunk = Buffer.alloc(CHUNK, 7)
  for (let sent = 0; sent < RAW_MIB * MiB; sent += CHUNK) {
    if (!socket.write(chunk)) await once(socket, 'drain')
  }
  socket.end()
}

const never = new AbortController().signal
const rssMiB = (): number => process.memoryUsage.rss() / MiB

/** MB per second over a bare socket. */
async function runRaw(port: number): Promise<number> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return rate(RAW_MIB, async () => {
    let received = 0
    for await (const chunk of socket) received += chunk.length
    return received
  })
}

/** MB per second through a tunnel, its checksum verified. */
async function runTunnel({ rpc }: BenchPeer, peerId: string): Promise<number> {
  const channel = await openTunnel(rpc, fire, peerId, { mib: TUNNEL_MIB }, never)
  return rate(TUNNEL_MIB, async () => {
    let received = 0
    for await (const { data } of channel.frames()) received += data.length
    await channel.end()
    return received
  })
}

async function rate(mib: number, receive: () => Promise<number>): Promise<number> {
  const startMs = performance.now()
  const received = await receive()
  if (received !== mib * MiB) throw new Error(`received ${received} of ${mib * MiB} bytes`)
  return received / 1e6 / ((performance.now() - startMs) / 1000)
}

/** How much the two processes grow while the receiver does not read, MiB; then everything must still arrive. */
async function runStalled(
  { rpc }: BenchPeer,
  child: Child,
  peerId: string,
): Promise<{ stalledGrowthMiB: number; stalledAheadMiB: number }> {
  type State = { rssMiB: number; sentMiB: number }
  const before = { here: rssMiB(), there: (await child.ask<State>('state')).rssMiB }
  const channel = await openTunnel(rpc, fire, peerId, { mib: STALL_MIB }, never)
  const frames = channel.frames()[Symbol.asyncIterator]()
  let received = (await frames.next()).value?.data.length ?? 0
  await sleep(STALL_MS)
  const stalled = await child.ask<State>('state')
  const growth = Math.max(rssMiB() - before.here, stalled.rssMiB - before.there)
  for (let next = await frames.next(); !next.done; next = await frames.next()) {
    received += next.value.data.length
  }
  await channel.end()
  if (received !== STALL_MIB * MiB) throw new Error('bytes were lost while the receiver stalled')
  return { stalledGrowthMiB: growth, stalledAheadMiB: stalled.sentMiB }
}

export const bench: Bench = {
  name: 'stream',
  measures: 'a byte tunnel (native TLS, yamux, checksum) between two processes, beside raw TCP',
  targets: { ratioToRawTcp: { atLeast: 0.25 }, stalledGrowthMiB: { atMost: 64 } },
  async run(progress) {
    await using child = startChild(import.meta.filename, ['stream-child'])
    const { addrs, peerId, rawPort } = await child.ask<Addresses>('start')
    await using peer = await startPeer()
    await peer.libp2p.dial(addrs.map((addr) => multiaddr(addr)))
    progress('a receiver that stalls')
    const stalled = await runStalled(peer, child, peerId)
    const raw: number[] = []
    const tunnel: number[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      progress(`round ${round} of ${ROUNDS}`)
      raw.push(await runRaw(rawPort))
      tunnel.push(await runTunnel(peer, peerId))
    }
    const ratios = tunnel.map((rate, round) => rate / raw[round]!)
    return {
      figures: { ratioToRawTcp: median(ratios), tunnelMBps: median(tunnel), ...stalled },
      yardstick: { rawTcpMBps: median(raw) },
    }
  },
}
