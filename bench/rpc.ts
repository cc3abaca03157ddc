import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import { cborCodec } from '../src/protocols/codec.ts'
import { integer, text } from '../src/protocols/fields.ts'
import { defineProtocol } from '../src/protocols/protocol.ts'
import type { Rpc } from '../src/protocols/rpc.ts'
import { type Bench, median, quantile } from './support/bench.ts'
import { answerParent, startChild } from './support/child.ts'
import { startPeer } from './support/peer.ts'

const ROUNDS = 5
const SEQUENTIAL = 1000
const PIPELINED = 10_000
const IN_FLIGHT = 64
const WARM_UP = 2000

const request = z.looseObject({ id: integer(0, 1e9), op: text(20), pad: text(200) })
const response = z.looseObject({ id: integer(0, 1e9), ok: z.boolean() })
const quote = defineProtocol({
  name: 'bench',
  request: cborCodec(request, 1024),
  response: cborCodec(response, 1024),
  limits: { requestBytes: 1024, responseBytes: 1024, timeoutMs: 60_000, perPeerPerMinute: 1e9 },
})
const message = (id: number) => ({ id, op: 'quote', pad: 'x'.repeat(100) })

interface Addresses {
  readonly addrs: string[]
  readonly peerId: string
  readonly rawPort: number
}

if (process.argv[2] === 'rpc-child') {
  answerParent(async (): Promise<Addresses> => {
    const peer = await startPeer()
    const life = new AbortController().signal
    await peer.rpc.serve(quote, async ({ id }) => ({ id, ok: true }), life)
    const raw = net.createServer({ noDelay: true }, (socket) => socket.pipe(socket))
    await once(raw.listen(0, '127.0.0.1'), 'listening')
    return {
      addrs: peer.libp2p.getMultiaddrs().map(String),
      peerId: peer.libp2p.peerId.toString(),
      rawPort: (raw.address() as AddressInfo).port,
    }
  })
}

/** Times of `count` calls, one after the other, ms. */
async function sequential(
  call: (id: number) => Promise<unknown>,
  count: number,
): Promise<number[]> {
  const times: number[] = []
  for (let id = 0; id < count; id++) {
    const startMs = performance.now()
    await call(id)
    times.push(performance.now() - startMs)
  }
  return times
}

/** Calls per second with `IN_FLIGHT` under way. */
async function pipelined(call: (id: number) => Promise<unknown>): Promise<number> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < PIPELINED) await call(next++)
  }
  const startMs = performance.now()
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  return PIPELINED / ((performance.now() - startMs) / 1000)
}

/** One echoed message of the same size over a bare socket. */
function rawCaller(socket: Socket): (id: number) => Promise<unknown> {
  const bytes = quote.request.encode(message(1))
  const waiting: (() => void)[] = []
  let received = 0
  socket.on('data', (data) => {
    for (received += data.length; received >= bytes.length; received -= bytes.length) {
      waiting.shift()?.()
    }
  })
  return () =>
    new Promise<void>((resolve) => {
      waiting.push(resolve)
      socket.write(bytes)
    })
}

const asker = (rpc: Rpc, peerId: string) => (id: number) => rpc.ask(quote, peerId, message(id))

export const bench: Bench = {
  name: 'rpc',
  measures: 'requests over one kept stream between two processes on loopback, beside raw TCP',
  targets: { p50Ms: { atMost: 0.35 }, perSecond: { atLeast: 9000 } },
  async run(progress) {
    await using child = startChild(import.meta.filename, ['rpc-child'])
    const { addrs, peerId, rawPort } = await child.ask<Addresses>('start')
    await using peer = await startPeer()
    await peer.libp2p.dial(addrs.map((addr) => multiaddr(addr)))
    const socket = net.connect({ port: rawPort, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const [ask, raw] = [asker(peer.rpc, peerId), rawCaller(socket)]
    for (const call of [ask, raw]) await sequential(call, WARM_UP)
    const times = { ask: [] as number[], raw: [] as number[] }
    const rates = { ask: [] as number[], raw: [] as number[] }
    for (let round = 1; round <= ROUNDS; round++) {
      progress(`round ${round} of ${ROUNDS}`)
      times.raw.push(...(await sequential(raw, SEQUENTIAL)))
      times.ask.push(...(await sequential(ask, SEQUENTIAL)))
      rates.raw.push(await pipelined(raw))
      rates.ask.push(await pipelined(ask))
    }
    socket.destroy()
    return {
      figures: {
        p50Ms: median(times.ask),
        p99Ms: quantile(times.ask, 0.99),
        perSecond: median(rates.ask),
        p50ToRawTcp: median(times.ask) / median(times.raw),
      },
      yardstick: {
        rawTcpP50Ms: median(times.raw),
        rawTcpP99Ms: quantile(times.raw, 0.99),
        rawTcpPerSecond: median(rates.raw),
      },
    }
  },
}
