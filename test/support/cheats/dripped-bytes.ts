import type { Duplex } from 'node:stream'
import { sleep } from '../../../src/clock.ts'
import { Call } from '../../../src/protocols/call.ts'
import { messageFrame, tags } from '../../../src/protocols/wire.ts'
import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const drippedBytes: Cheat = {
  name: 'dripped-bytes',
  does: 'lets its stream out byte by byte, so that it never falls silent and never says anything',
  verdict: 'SILENT',
  bound: 'always: a tick arrives when its last byte does',
  member: () => ({
    backend: createTamperedBackend(),
    change: ({ rpc, ...parts }) => ({
      ...parts,
      rpc: {
        ...rpc,
        serveStream: (protocol, handler, signal) =>
          rpc.peers.accept(
            protocol.name,
            16,
            (duplex, from) => {
              const call = new Call(from)
              duplex.once('close', () => call.cancel(new Error('the asker is gone')))
              duplex.resume()
              const frames = (async function* () {
                for await (const item of handler({} as never, call)) {
                  yield messageFrame(tags.item, 1, protocol.response.encode(item))
                }
              })()
              drip(duplex, frames).catch(() => duplex.destroy())
            },
            signal,
          ),
      },
    }),
  }),
}

async function drip(duplex: Duplex, frames: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const frame of frames) {
    for (const byte of frame) {
      if (duplex.destroyed) return
      duplex.write(Uint8Array.of(byte))
      await sleep(20)
    }
  }
}
