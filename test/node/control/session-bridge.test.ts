import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { bridge } from '../../../src/node/control/session-bridge.ts'
import type { FrameChannel } from '../../../src/protocols/frames.ts'
import { channels, controlToRenter, sessionProtocol } from '../../../src/protocols/session.ts'
import { openTunnel, serveTunnel } from '../../../src/protocols/tunnel.ts'
import { createPair, until } from '../../support/peers.ts'

const life = new AbortController().signal

/** The client's end of a session, as far as the bridge uses it. */
function createSocket() {
  const messages: string[] = []
  const socket = Object.assign(new EventEmitter(), {
    messages,
    closedWith: undefined as number | undefined,
    bufferedAmount: 0,
    isPaused: false,
    pause: () => undefined,
    resume: () => undefined,
    send(message: string | Uint8Array, done: () => void) {
      messages.push(typeof message === 'string' ? message : Buffer.from(message).toString())
      done()
    },
    close(code: number) {
      socket.closedWith = code
    },
  })
  return { socket, asWebSocket: socket as unknown as WebSocket }
}

/** A session over real connections that break once the client has had what `serve` sent. */
async function brokenAfter(serve: (channel: FrameChannel) => Promise<void>, count: number) {
  const { asker, answerer } = await createPair()
  const { socket, asWebSocket } = createSocket()
  await serveTunnel(
    answerer.rpc,
    sessionProtocol,
    async (_, channel) => {
      await serve(channel)
      await until(() => socket.messages.length === count)
      for (const connection of answerer.libp2p.getConnections()) connection.abort(new Error('cut'))
    },
    life,
  )
  const request = {
    kind: 'exec' as const,
    command: ['true'],
    tty: false,
    env: {},
    leaseId: new Uint8Array(32),
  }
  const channel = await openTunnel(asker.rpc, sessionProtocol, answerer.peerId, request, life)
  return { socket, bridged: bridge(asWebSocket, channel) }
}

const output = (channel: FrameChannel) => channel.send(channels.stdout, Buffer.from('out'))
const exit = (channel: FrameChannel) =>
  channel.send(channels.control, controlToRenter.encode({ kind: 'exit', exitCode: 7 }))

test('a connection that breaks behind the exit code takes nothing from the outcome', async () => {
  const both = async (channel: FrameChannel) => {
    await output(channel)
    await exit(channel)
  }
  const { socket, bridged } = await brokenAfter(both, 2)
  await bridged
  expect(socket.messages.at(-1)).toBe('{"kind":"exit","exitCode":7}')
  expect(socket.closedWith).toBe(1000)
})

test('one that breaks before it leaves the outcome unknown', async () => {
  const { socket, bridged } = await brokenAfter(output, 1)
  await expect(bridged).rejects.toMatchObject({ code: 'PEER_LOST' })
  expect(socket.closedWith).toBeUndefined()
})

test('no more output is sent than the window of its reader, unless nobody can hear that reader', async () => {
  const { asker, answerer } = await createPair()
  const { socket, asWebSocket } = createSocket()
  const reads = new Promise<never>(() => undefined)
  await serveTunnel(
    answerer.rpc,
    sessionProtocol,
    async (_, channel) => {
      for (let i = 0; i < 9; i++) await channel.send(channels.stdout, Buffer.alloc(10))
      await reads
    },
    life,
  )
  const request = { kind: 'exec' as const, command: ['true'], tty: false, env: {} }
  const leaseId = new Uint8Array(32)
  const asked = { ...request, leaseId }
  const channel = await openTunnel(asker.rpc, sessionProtocol, answerer.peerId, asked, life)
  const say = (text: string) => socket.emit('message', Buffer.from(text), false)
  const bridged = bridge(asWebSocket, channel)
  say('{"kind":"window","upTo":20}')
  await until(() => socket.messages.length === 2)
  say('{"kind":"window","upTo":50}')
  await until(() => socket.messages.length === 5)
  socket.isPaused = true
  // More input than anybody takes: its sender is not read meanwhile.
  for (let i = 0; i < 40; i++) socket.emit('message', Buffer.alloc(200_000), true)
  await until(() => socket.messages.length === 9)
  channel.abort(new Error('the test is over'))
  await expect(bridged).rejects.toThrow()
})
