import { duplexPair } from 'node:stream'
import { NodeError } from '../../src/errors.ts'
import { createFrameChannel } from '../../src/protocols/frames.ts'
import { helloCodec } from '../../src/protocols/hello-exchange.ts'
import { wireName } from '../../src/protocols/network.ts'
import { refusalFrame } from '../../src/protocols/refusal.ts'
import { messageFrame, tags } from '../../src/protocols/wire.ts'
import { NOW_MS, testNet } from './market.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Bytes as they lie on streams, for the golden file. */
export async function streamVectors() {
  const net = testNet()
  const hello = helloCodec.encode({ netDigest: net.digest, versions: [1], timeMs: NOW_MS })
  const body = Uint8Array.of(0xa0)
  const refused = new NodeError('REFUSED_QUOTA', 'too many', { next: 'wait a minute' })
  return {
    about: 'u32 length, u8 tag, body; big-endian. Under tags from 240 a body starts with a u32 id.',
    tags,
    hello: {
      protocol: wireName(net, 'hello'),
      netDigest: hex(net.digest),
      versions: [1],
      timeMs: NOW_MS,
      dialer: hex(messageFrame(tags.request, 0, hello)),
      listener: hex(messageFrame(tags.result, 0, hello)),
    },
    frames: {
      'request 7, body a0': hex(messageFrame(tags.request, 7, body)),
      'result 7, body a0': hex(messageFrame(tags.result, 7, body)),
      'item 1, body a0': hex(messageFrame(tags.item, 1, body)),
      'end 1': hex(messageFrame(tags.end, 1)),
      'cancel 7': hex(messageFrame(tags.cancel, 7)),
      'accepted 0': hex(messageFrame(tags.accepted, 0)),
      'refused 7, with code, message and next': hex(refusalFrame(7, refused)),
      'refused 0, an unexpected error': hex(refusalFrame(0, new TypeError('not told'))),
    },
    tunnel: {
      sent: [
        { channel: 0, data: hex(Buffer.from('hello')) },
        { channel: 3, data: '' },
      ],
      bytes: hex(await tunnelBytes()),
    },
  }
}

async function tunnelBytes(): Promise<Buffer> {
  const [side, wire] = duplexPair()
  const channel = createFrameChannel(side, 'peer')
  await channel.send(0, Buffer.from('hello'))
  await channel.send(3, new Uint8Array())
  const ended = channel.end()
  const chunks: Buffer[] = []
  for await (const chunk of wire) chunks.push(chunk)
  await ended
  return Buffer.concat(chunks)
}
