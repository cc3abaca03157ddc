import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { isExit, isOutcomeUnknown, isRefused } from '../../src/client/errors.ts'
import { leaseProcess, type ProcessInput } from '../../src/client/lease-process.ts'
import { openSession } from '../../src/client/session.ts'
import type { ClientSocket } from '../../src/client/transport.ts'
import { openNodeSocket } from '../../src/node/sdk/node-socket.ts'
import { MiB } from '../../src/units.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A process whose other end is `serve`, over a real socket. */
async function processOf(
  serve: (socket: WebSocket) => void,
  options: { stdin?: ProcessInput; signal?: AbortSignal } = {},
) {
  server = createServer()
  new WebSocketServer({ server }).on('connection', serve)
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const opening = openNodeSocket(`ws://127.0.0.1:${port}/`, {})
  return leaseProcess(openSession(opening, { signal: options.signal }), options.stdin)
}

const say = (socket: WebSocket, channel: number, text: string): void =>
  socket.send(Buffer.concat([Uint8Array.of(channel), Buffer.from(text)]))

const exit = (socket: WebSocket, exitCode: number): void => {
  socket.send(JSON.stringify({ kind: 'exit', exitCode }))
  socket.close(1000)
}

describe('a process over a socket', () => {
  test('both outputs and the exit code; text throws for another than 0, and says why', async () => {
    const serve = (socket: WebSocket): void => {
      say(socket, 1, 'out\n')
      say(socket, 2, 'first\nlast words\n')
      exit(socket, 3)
    }
    const expected = { exitCode: 3, stdout: 'out\n', stderr: 'first\nlast words\n' }
    expect(await (await processOf(serve)).output()).toEqual(expected)
    const error: unknown = await (await processOf(serve)).text().catch((thrown: unknown) => thrown)
    expect(isExit(error) && error.details.exitCode).toBe(3)
    expect(String(error)).toContain('exit code 3: last words')
  })

  test('input from a source arrives whole, then its end', async () => {
    async function* source() {
      yield 'one '
      yield new Uint8Array(2 * MiB).fill(0x78)
    }
    const running = await processOf(
      (socket) => {
        let bytes = 0
        socket.on('message', (data: Buffer, isBinary) => {
          if (isBinary) bytes += data.length - 1
          else {
            say(socket, 1, `${bytes} ${data}`)
            exit(socket, 0)
          }
        })
      },
      { stdin: source() },
    )
    expect(await running.text()).toBe(`${4 + 2 * MiB} {"kind":"eof"}`)
  })

  test('input that breaks ends it with that error', async () => {
    const broken = (async function* (): AsyncGenerator<string> {
      yield 'one'
      throw new Error('the source broke')
    })()
    const running = await processOf(() => undefined, { stdin: broken })
    await expect(running.exit).rejects.toThrow('the source broke')
  })

  test('a reader of stdout alone is not held back by what nobody reads of stderr', async () => {
    const running = await processOf((socket) => {
      for (let i = 0; i < 40; i++) say(socket, 2, 'x'.repeat(100_000))
      say(socket, 1, 'at last')
      exit(socket, 0)
    })
    expect(await running.stdout.text()).toBe('at last')
    expect(await running.exit).toBe(0)
  })

  test('what nobody reads at all holds the other end back', async () => {
    let sent: WebSocket | undefined
    const running = await processOf((socket) => {
      sent = socket
      for (let i = 0; i < 400; i++) say(socket, 1, 'x'.repeat(100_000))
      exit(socket, 0)
    })
    while (sent === undefined || sent.bufferedAmount > 39 * MiB) await tick()
    const before = sent.bufferedAmount
    for (let i = 0; i < 50; i++) await tick()
    expect(sent.bufferedAmount).toBeGreaterThan(before / 2)
    expect((await running.stdout.bytes()).length).toBe(40_000_000)
  })

  test('a socket that breaks leaves the outcome unknown; a node that fails says why', async () => {
    const broken = await processOf((socket) => socket.terminate())
    expect(isOutcomeUnknown(await broken.exit.catch((error: unknown) => error))).toBe(true)
    const refused = await processOf((socket) => {
      socket.send(JSON.stringify({ error: { code: 'REFUSED_PAUSED', message: 'it is paused' } }))
      socket.close(1011)
    })
    const error: unknown = await refused.exit.catch((thrown: unknown) => thrown)
    expect(isRefused(error) && error.message).toBe('it is paused')
  })

  test('its signal ends it with its reason, and hangs up', async () => {
    const stop = new AbortController()
    const closed = Promise.withResolvers<void>()
    const running = await processOf(
      (socket) => {
        socket.once('close', () => closed.resolve())
        stop.abort(new Error('enough'))
      },
      { signal: stop.signal },
    )
    await expect(running.exit).rejects.toThrow('enough')
    await expect(running.stdout.text()).rejects.toThrow('enough')
    await closed.promise
  })
})

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a socket that does not hold its sender back', () => {
  test('is told how far the reader is, and no further than it reads', async () => {
    const said: string[] = []
    const pieces = Array.from({ length: 40 }, () => new Uint8Array(64 * 1024 + 1).fill(1))
    const socket: ClientSocket = {
      holdsBack: false,
      async *messages() {
        yield* pieces
      },
      send: async (message) => void said.push(String(message)),
      close: () => undefined,
    }
    const session = openSession(Promise.resolve(socket))
    const upTo = () => said.map((text) => (JSON.parse(text) as { upTo: number }).upTo)
    await expect.poll(upTo).toEqual([MiB])
    for (let turn = 0; turn < 20; turn++) await Promise.resolve() // nobody reads
    expect(upTo()).toEqual([MiB])
    expect((await session.stdout.bytes()).length).toBe(40 * 64 * 1024)
    const told = upTo()
    expect(told.every((bytes, i) => i === 0 || bytes > told[i - 1]!)).toBe(true)
    expect(told.at(-1)).toBeGreaterThan(40 * 64 * 1024)
  })
})
