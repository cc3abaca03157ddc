import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { NodeError } from '../../src/errors.ts'
import { median, quantile } from '../support/bench.ts'
import type { ApiFigure } from './figure.ts'

const WARM_UPS = 100
const ROUNDS = 500

/**
 * What a page reads all the time, over one kept connection to the loopback port with its token, against a server of
 * node:http that answers as many bytes: turn by turn, so that other load falls on both.
 */
export const reads: ApiFigure = {
  targets: { readP50Ms: { atMost: 3 } },
  async measure({ apiUrl, token, leaseId, progress }) {
    const paths = ['/v1/status', '/v1/offers', '/v1/leases', `/v1/leases/${leaseId}`]
    using ours = reader(apiUrl, token)
    const longest = Math.max(...(await Promise.all(paths.map(ours.bytes))))
    await using plain = await plainServer(longest)
    using theirs = reader(plain.url, token)
    const [readMs, plainMs]: [number[], number[]] = [[], []]
    for (let round = -WARM_UPS; round < ROUNDS; round++) {
      for (const path of paths) {
        const [a, b] = [await timed(() => ours.bytes(path)), await timed(() => theirs.bytes(path))]
        if (round < 0) continue
        readMs.push(a)
        plainMs.push(b)
      }
    }
    progress(`a read takes ${median(readMs).toFixed(2)} ms`)
    return {
      figures: { readP50Ms: median(readMs), readP99Ms: quantile(readMs, 0.99) },
      yardstick: { plainHttpP50Ms: median(plainMs), plainHttpP99Ms: quantile(plainMs, 0.99) },
    }
  },
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await act()
  return performance.now() - startMs
}

/** Reads over one kept connection. */
function reader(url: string, token: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { authorization: `Bearer ${token}` }
  return {
    /** How many came. @throws FAILED when it was refused */
    async bytes(path: string): Promise<number> {
      const outgoing = request(`${url}${path}`, { agent, headers }).end()
      const [response] = await once(outgoing, 'response')
      const { length } = await buffer(response)
      if (response.statusCode === 200) return length
      throw new NodeError('FAILED', `GET ${path} answered ${response.statusCode}`)
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}

async function plainServer(bytes: number) {
  const body = 'x'.repeat(bytes)
  const server = createServer((_, response) => response.end(body))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
