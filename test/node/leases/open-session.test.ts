import { expect, test } from 'vitest'
import { openSession } from '../../../src/node/leases/open-session.ts'
import { channels, sessionProtocol } from '../../../src/protocols/session.ts'
import { serveTunnel } from '../../../src/protocols/tunnel.ts'
import { createPair } from '../../support/peers.ts'

const request = { kind: 'exec' as const, command: ['true'], tty: false, env: {} }

test('a miner that listens and serves no sessions yet is asked again, until its renter has had enough', async () => {
  const { asker, answerer } = await createPair()
  const at = { leaseId: new Uint8Array(32), miner: answerer.peerId }
  const left = new AbortController()
  const given = openSession(asker, at, request, left.signal)
  const opening = openSession(asker, at, request, new AbortController().signal)
  setTimeout(() => left.abort(new Error('enough')), 100)
  await expect(given).rejects.toThrow('enough')
  const handler: Parameters<typeof serveTunnel>[2] = (_, channel) =>
    channel.send(channels.stdout, Buffer.from('here'))
  await serveTunnel(answerer.rpc, sessionProtocol, handler, new AbortController().signal)
  const channel = await opening
  const said: string[] = []
  for await (const { data } of channel.frames()) said.push(Buffer.from(data).toString())
  expect(said).toEqual(['here'])
})
