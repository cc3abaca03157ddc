import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Rounds of drand quicknet as its servers told them. */
export const RECORDED: ReadonlyMap<number, string> = new Map([
  [
    1000,
    'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
  ],
  [
    32_285_085,
    '81dbce51d584d90d618547f4b50391d53ace6f6b9aeb8fb67e1879427af9d0310ac0ec6f519271d9a313ee84b378d416',
  ],
  [
    32_285_086,
    'a64d99fd7fa3e48912be7209c7b69c72c88fc5224be2516949b6f29f3a4b7e3fa069dd58b2bbb4bf2c34ae61ef631a44',
  ],
])

export interface DrandServer {
  readonly url: string
  /** Rounds asked for, in order. */
  readonly asked: number[]
  /** What it answers; tests change it while it runs. */
  answer: (round: number, response: ServerResponse, request: IncomingMessage) => void
}

/** A round as drand's v1 HTTP interface has it. */
export const roundJson = (round: number, signature: string): string =>
  JSON.stringify({ round, randomness: '00'.repeat(32), signature })

/** An HTTP server on loopback that answers rounds of one chain; it ends with its test. */
export async function drandServer(
  chainHash: string,
  answer: DrandServer['answer'],
): Promise<DrandServer> {
  const server = createServer((request, response) => {
    const [, hash, round] = /^\/([0-9a-f]+)\/public\/(\d+)$/.exec(request.url ?? '') ?? []
    if (hash !== chainHash) return void response.writeHead(400).end()
    made.asked.push(Number(round))
    made.answer(Number(round), response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const made: DrandServer = { url: `http://127.0.0.1:${port}`, asked: [], answer }
  return made
}
