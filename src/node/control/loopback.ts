import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { messageOf, NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import { toJson } from '../output.ts'
import { type LoopbackGuard, writeToken } from './access/loopback-guard.ts'
import { problemDocument } from './problem.ts'
import { closeServer, listening } from './servers.ts'
import { refuse, type Upgrade } from './web-sockets.ts'

/** The control API on 127.0.0.1, for browsers and programs that cannot open a unix socket. */
export interface Loopback extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`; undefined while it does not listen. */
  readonly url: string | undefined
  readonly port: number | undefined
  /** Listens, unless it does; 0 picks a port. Throws BAD_CONFIG_PORT when the port is busy. */
  open(port: number): Promise<string>
}

/** What a neighbour on this machine may hold of a node. */
export interface LoopbackLimits {
  /** Headers must be whole by then. */
  readonly headersMs: number
  /** And a JSON body by then. */
  readonly bodyMs: number
  readonly connections: number
}

export const loopbackLimits: LoopbackLimits = {
  headersMs: secondsMs(10),
  bodyMs: secondsMs(30),
  connections: 512,
}

interface Needs {
  readonly app: FastifyInstance
  readonly upgrade: Upgrade
  readonly guard: LoopbackGuard
  /** The token of this run, and where it is left once the port is open. */
  readonly token: string
  readonly tokenFile: string
  readonly limits: LoopbackLimits
}

export function createLoopback({ app, upgrade, guard, token, tokenFile, limits }: Needs): Loopback {
  let server: Server | undefined
  let opening: Promise<string> | undefined
  const portOf = (): number | undefined => (server?.address() as AddressInfo | null)?.port
  const urlOf = (): string => `http://127.0.0.1:${portOf()}`
  const listen = async (port: number): Promise<string> => {
    const made = guardedServer(app, upgrade, guard, limits)
    await listening(made, () => made.listen(port, '127.0.0.1')).catch((cause: unknown) => {
      throw busyPort(port, cause)
    })
    server = made
    await writeToken(tokenFile, token)
    return urlOf()
  }
  return {
    get url() {
      return portOf() === undefined ? undefined : urlOf()
    },
    get port() {
      return portOf()
    },
    open(port) {
      opening ??= listen(port).catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return opening
    },
    async [Symbol.asyncDispose]() {
      await opening?.catch(() => undefined)
      if (server === undefined) return
      await closeServer(server)
      await rm(tokenFile, { force: true })
    },
  }
}

/** Requests of the wrong place are refused before anything reads them. */
function guardedServer(
  app: FastifyInstance,
  upgrade: Upgrade,
  guard: LoopbackGuard,
  { headersMs, connections }: LoopbackLimits,
): Server {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    try {
      guard.checkPlace(request)
    } catch (error) {
      const body = problemDocument(error)
      const type = 'application/problem+json'
      response.writeHead(body.status, { 'content-type': type, connection: 'close' })
      response.end(toJson(body))
      return
    }
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cross-origin-resource-policy', 'same-origin')
    app.routing(request, response)
  }
  const options = {
    headersTimeout: headersMs,
    requestTimeout: 0, // an upload takes its time; other bodies are watched (check-access.ts)
    connectionsCheckingInterval: Math.min(headersMs, secondsMs(2)),
  }
  const server = createServer(options, onRequest).on('upgrade', (request, socket, head) => {
    try {
      guard.checkPlace(request)
    } catch (error) {
      refuse(socket, error)
      return
    }
    upgrade(request, socket, head)
  })
  server.maxConnections = connections
  return server
}

function busyPort(port: number, cause: unknown): NodeError {
  const busy = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
  return new NodeError(
    'BAD_CONFIG_PORT',
    `cannot serve the control API on port ${port}: ${busy ? 'the port is in use' : messageOf(cause)}`,
    { cause, next: 'choose another --api-port (0 picks a free one)' },
  )
}
