import { noise } from '@chainsafe/libp2p-noise'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { silent } from '../../src/log.ts'
import { boundedYamux } from '../../src/protocols/duplex.ts'
import { nativeTls } from '../../src/protocols/native-tls.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { createRpc, type Rpc } from '../../src/protocols/rpc.ts'

/** The network of all peers of benchmarks. */
export const benchNet = createNetwork('local', 1, new Uint8Array(32))

export interface BenchPeer extends AsyncDisposable {
  readonly libp2p: Libp2p
  readonly rpc: Rpc
}

/** A node as the product makes it for bulk: TCP, native TLS before noise, bounded yamux, hello. */
export async function startPeer(privateKey?: PrivateKey): Promise<BenchPeer> {
  const libp2p = (await createLibp2p({
    ...(privateKey === undefined ? {} : { privateKey }),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [nativeTls(), noise()],
    streamMuxers: [boundedYamux()],
    connectionManager: { inboundConnectionThreshold: 1e6 },
  })) as unknown as Libp2p
  const life = new AbortController()
  const rpc = createRpc(libp2p, benchNet, { log: silent, signal: life.signal, nowMs: Date.now })
  return {
    libp2p,
    rpc,
    async [Symbol.asyncDispose]() {
      life.abort()
      await libp2p.stop()
    },
  }
}
