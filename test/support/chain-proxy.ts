import { type AddressInfo, createServer } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

export interface RpcMessage {
  readonly id?: number
  readonly method?: string
  readonly params?: readonly unknown[]
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string }
}

/** What stands between a client and a chain; every part may be changed while it runs. */
export interface ChainProxy {
  /** ws://127.0.0.1:PORT */
  readonly url: string
  /** Methods asked for since the list was last emptied. */
  readonly calls: string[]
  /** Answers in the chain's place; undefined lets the request through. */
  answer: ((method: string, params: readonly unknown[]) => unknown) | undefined
  /** Refuses in the chain's place, as JSON-RPC does; undefined lets the request through. */
  refuse:
    | ((method: string, params: readonly unknown[]) => RpcMessage['error'] | undefined)
    | undefined
  /**
   * Looks at every message before it is passed on, with the method it answers; `false` cuts all wires instead, `lose`
   * passes over this one.
   */
  pass:
    | ((from: 'client' | 'chain', message: RpcMessage, method: string) => boolean | 'lose')
    | undefined
  /** Ends every connection; new ones are taken. */
  cut(): void
  close(): Promise<void>
}

/** Puts a proxy before a chain's JSON-RPC endpoint, message by message. */
export async function proxyChain(url: string): Promise<ChainProxy> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  const sockets = new Set<WebSocket>()
  const cut = (): void => {
    for (const socket of sockets) socket.terminate()
  }
  const proxy: ChainProxy = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: [],
    answer: undefined,
    refuse: undefined,
    pass: undefined,
    cut,
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.on('connection', (client) => {
    const chain = new WebSocket(url)
    const waiting: string[] = []
    const methods = new Map<number, string>()
    for (const socket of [client, chain]) {
      sockets.add(socket)
      socket.on('error', () => undefined) // cut on purpose
      socket.on('close', () => {
        sockets.delete(socket)
        client.terminate()
        chain.terminate()
      })
    }
    chain.on('open', () => {
      for (const text of waiting.splice(0)) chain.send(text)
    })
    chain.on('message', (data) => {
      const message = JSON.parse(String(data)) as RpcMessage
      const method = message.method ?? methods.get(message.id!) ?? ''
      const passes = proxy.pass?.('chain', message, method)
      if (passes === false) return cut()
      if (passes === 'lose') return
      client.send(String(data))
    })
    client.on('message', (data) => {
      const message = JSON.parse(String(data)) as RpcMessage
      const { id, method = '', params = [] } = message
      proxy.calls.push(method)
      methods.set(id!, method)
      const result = proxy.answer?.(method, params)
      if (result !== undefined) return client.send(JSON.stringify({ jsonrpc: '2.0', id, result }))
      const error = proxy.refuse?.(method, params)
      if (error !== undefined) return client.send(JSON.stringify({ jsonrpc: '2.0', id, error }))
      const passes = proxy.pass?.('client', message, method)
      if (passes === false) return cut()
      if (passes === 'lose') return
      if (chain.readyState === WebSocket.OPEN) chain.send(String(data))
      else waiting.push(String(data))
    })
  })
  return proxy
}

/** A port of this machine on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
