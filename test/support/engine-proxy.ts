import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A unix socket before the real engine's, which can go away and come back as a restarted engine does. */
export interface EngineProxy extends AsyncDisposable {
  /** What DOCKER_HOST shall be. */
  readonly host: string
  down(): Promise<void>
  up(): Promise<void>
  /** Passes the next request whose first line is such on to the engine, and breaks the connection when it answers. */
  loseAnswer(request: RegExp): void
}

export async function startEngineProxy(target = '/var/run/docker.sock'): Promise<EngineProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'cn-proxy-'))
  const path = join(folder, 'docker.sock')
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let lost: RegExp | undefined
  const up = async (): Promise<void> => {
    server = createServer({ allowHalfOpen: true }, (client) => {
      const engine = connect({ path: target, allowHalfOpen: true })
      for (const socket of [client, engine]) {
        sockets.add(socket)
        socket.on('error', () => undefined) // ends with its close
        socket.once('close', () => sockets.delete(socket))
      }
      client.on('data', (chunk: Buffer) => {
        if (lost?.test(String(chunk)) !== true) return
        lost = undefined
        engine.unpipe(client)
        engine.once('data', () => client.destroy()).resume()
      })
      client.pipe(engine)
      engine.pipe(client)
    })
    await new Promise<void>((resolve) => server!.listen(path, resolve))
  }
  const down = async (): Promise<void> => {
    const closed = new Promise((resolve) => server!.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  await up()
  return {
    host: `unix://${path}`,
    up,
    down,
    loseAnswer(request) {
      lost = request
    },
    async [Symbol.asyncDispose]() {
      if (server?.listening === true) await down()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
