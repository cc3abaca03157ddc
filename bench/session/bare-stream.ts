import { once } from 'node:events'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { NodeError } from '../../src/errors.ts'
import { toDuplex } from '../../src/protocols/duplex.ts'
import { KiB } from '../../src/units.ts'
import { answerParent, startChild } from '../support/child.ts'
import { startPeer } from '../support/peer.ts'

const PROTOCOL = '/compute-node/bench-raw/1'

if (process.argv[2] === 'bare-stream-child') {
  const send = async (stream: Stream, bytes: number): Promise<void> => {
    const duplex = toDuplex(stream)
    const chunk = Buffer.alloc(64 * KiB, 7)
    for (let sent = 0; sent < bytes; sent += chunk.length) {
      if (!duplex.write(chunk)) await once(duplex, 'drain')
    }
    duplex.end()
  }
  answerParent(async (bytes: number) => {
    const { libp2p } = await startPeer()
    await libp2p.handle(PROTOCOL, (stream) => void send(stream, bytes))
    return libp2p.getMultiaddrs().map(String)
  })
}

/** The yardstick of what carries bytes: a libp2p stream between two processes that do nothing else. */
export interface BareStream extends AsyncDisposable {
  /** All its bytes, anew with each call. */
  read(): AsyncIterable<Uint8Array>
}

export async function bareStream(bytes: number): Promise<BareStream> {
  await using stack = new AsyncDisposableStack()
  const child = stack.use(startChild(import.meta.filename, ['bare-stream-child']))
  const addresses = await child.ask<string[]>(bytes)
  const { libp2p } = stack.use(await startPeer())
  const owned = stack.move()
  return {
    async *read() {
      const connection = await libp2p.dial(addresses.map((address) => multiaddr(address)))
      yield* toDuplex(await connection.newStream(PROTOCOL))
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** MB per second, from the first byte on. @throws FAILED when not all `bytes` came */
export async function rate(source: AsyncIterable<Uint8Array>, bytes: number): Promise<number> {
  let received = 0
  let startMs = 0
  for await (const { length } of source) {
    if (received === 0) startMs = performance.now()
    received += length
  }
  if (received !== bytes) throw new NodeError('FAILED', `${received} of ${bytes} bytes came`)
  return received / 1e3 / (performance.now() - startMs)
}
