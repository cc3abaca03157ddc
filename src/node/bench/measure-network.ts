import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { deadline, sleep } from '../../clock.ts'
import { messageOf } from '../../errors.ts'
import { silent } from '../../log.ts'
import { capabilityValidator } from '../../protocols/capability-dht.ts'
import { cborCodec } from '../../protocols/codec.ts'
import { integer } from '../../protocols/fields.ts'
import { createNetwork, type Network } from '../../protocols/network.ts'
import { createRpc, type Rpc } from '../../protocols/rpc.ts'
import { defineTunnel, openTunnel, serveTunnel } from '../../protocols/tunnel.ts'
import { KiB, MiB, secondsMs } from '../../units.ts'
import type { Config } from '../config.ts'
import type { NodeLibp2p } from '../core.ts'
import { createNodeLibp2p, listen } from '../libp2p.ts'
import { networkOf } from '../network-of.ts'
import { measureBandwidth } from './measure-bandwidth.ts'

/** What the node's own stack carries. */
export interface NetworkFigures {
  /** A byte tunnel between two nodes over loopback, both in this process, its checksums verified. */
  readonly loopbackMBps: number
  /** The middle of some pings to a bootstrap peer, ms; null where none was reached. */
  readonly bootstrapRttMs: number | null
  /** What the way to that peer carries, Mbit/s; null where it did not let itself be measured. */
  readonly downMbps: number | null
  readonly upMbps: number | null
  /** Who that was; else why nothing was measured. */
  readonly bootstrap: string
  /** Why there is no figure of what the way carries; null where there is one. */
  readonly bandwidth: string | null
}

const LOOPBACK_MIB = 128
const CHUNK_BYTES = 64 * KiB
const PINGS = 5
const PAUSE_MS = 100
const DIAL_MS = secondsMs(5)

/** As a lease's streams: frames with checksums, backpressure on both sides. */
const carry = defineTunnel({
  name: 'bench',
  request: cborCodec(z.looseObject({ mib: integer(1, 4096) }), 64),
  limits: { requestBytes: 64, timeoutMs: secondsMs(30), perPeerPerMinute: 10 },
})

/** Measures the stack against itself, and the way to the first bootstrap peer that answers; tells each stage. */
export async function measureNetwork(
  config: Config,
  signal: AbortSignal,
  onStage: (stage: string) => void = () => undefined,
): Promise<NetworkFigures> {
  onStage('carrying bytes over loopback')
  const loopbackMBps = await measureLoopback(signal)
  return { loopbackMBps, ...(await measureBootstrap(config, signal, onStage)) }
}

/** A node that serves nothing and lives for a moment. */
async function shortLived(net: Network, addresses: readonly string[]) {
  const libp2p = await createNodeLibp2p({
    net,
    privateKey: await generateKeyPair('Ed25519'),
    listen: addresses,
    announce: [],
    relay: false,
    dhtClient: true,
    topics: [],
    ...capabilityValidator(net, { nowMs: Date.now }),
  })
  await listen(libp2p, addresses)
  return { libp2p, [Symbol.asyncDispose]: async () => libp2p.stop() }
}

async function measureLoopback(signal: AbortSignal): Promise<number> {
  const life = new AbortController()
  const net = createNetwork('local', 0, new Uint8Array(32))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => life.abort())
  const rpcOf = (libp2p: NodeLibp2p) =>
    createRpc(libp2p, net, { log: silent, signal: life.signal, nowMs: Date.now })
  const from = stack.use(await shortLived(net, ['/ip4/127.0.0.1/tcp/0'])).libp2p
  const to = stack.use(await shortLived(net, [])).libp2p
  await serveTunnel(
    rpcOf(from),
    carry,
    async ({ mib }, channel) => {
      const chunk = Buffer.alloc(CHUNK_BYTES, 7)
      for (let sent = 0; sent < mib * MiB; sent += CHUNK_BYTES) await channel.send(0, chunk)
    },
    life.signal,
  )
  await to.dial(from.getMultiaddrs())
  const request = { mib: LOOPBACK_MIB }
  const channel = await openTunnel(rpcOf(to), carry, from.peerId, request, signal)
  const startedMs = performance.now()
  let received = 0
  for await (const { data } of channel.frames()) received += data.length
  await channel.end()
  return received / (performance.now() - startedMs) / 1000
}

/** The middle of some pings; throws when none is answered. */
async function pingMs(libp2p: NodeLibp2p, peer: PeerId, signal: AbortSignal): Promise<number> {
  const times: number[] = []
  let failure: unknown
  for (let i = 0; i < PINGS; i++) {
    try {
      times.push(await libp2p.services.ping.ping(peer, { signal }))
    } catch (error) {
      signal.throwIfAborted()
      failure = error // a peer takes one ping at a time, and the connection's monitor pings too
    }
    await sleep(PAUSE_MS, signal)
  }
  if (times.length === 0) throw failure
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!
}

type WayFigures = Omit<NetworkFigures, 'loopbackMBps'>
const unmeasured = (why: string): WayFigures => ({
  ...{ bootstrapRttMs: null, downMbps: null, upMbps: null },
  bootstrap: `not measured: ${why}`,
  bandwidth: `not measured: ${why}`,
})

async function measureBootstrap(
  config: Config,
  signal: AbortSignal,
  onStage: (stage: string) => void,
): Promise<WayFigures> {
  if (config.bootstrap.length === 0) return unmeasured('no bootstrap peer is named')
  const reasons: string[] = []
  const net = networkOf(config)
  await using node = await shortLived(net, [])
  const life = new AbortController()
  using _ = { [Symbol.dispose]: () => life.abort() }
  const options = { log: silent, signal: life.signal, nowMs: Date.now }
  const rpc = createRpc(node.libp2p, net, options)
  for (const address of config.bootstrap) {
    using limit = deadline(signal, DIAL_MS)
    onStage(`asking ${address}`)
    try {
      const { remotePeer } = await node.libp2p.dial(multiaddr(address), { signal: limit.signal })
      const bootstrapRttMs = await pingMs(node.libp2p, remotePeer, limit.signal)
      limit[Symbol.dispose]()
      const bootstrap = remotePeer.toString()
      return { bootstrapRttMs, bootstrap, ...(await wayTo(rpc, bootstrap, signal, onStage)) }
    } catch (error) {
      signal.throwIfAborted()
      reasons.push(`${address}: ${messageOf(error)}`)
    }
  }
  return unmeasured(reasons.join('; '))
}

/** What the way to a peer carries, or why it does not say. */
async function wayTo(
  rpc: Rpc,
  peer: string,
  signal: AbortSignal,
  onStage: (stage: string) => void,
): Promise<Pick<WayFigures, 'downMbps' | 'upMbps' | 'bandwidth'>> {
  const onWay = (way: 'down' | 'up'): void =>
    onStage(way === 'down' ? `taking bytes from ${peer}` : `giving bytes to ${peer}`)
  try {
    return { ...(await measureBandwidth(rpc, peer, signal, onWay)), bandwidth: null }
  } catch (error) {
    signal.throwIfAborted()
    return { downMbps: null, upMbps: null, bandwidth: `not measured: ${messageOf(error)}` }
  }
}
