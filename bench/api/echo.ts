import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { NodeError } from '../../src/errors.ts'
import { withQuery } from '../../src/node/control/client.ts'
import { channels } from '../../src/protocols/session.ts'
import { median, quantile } from '../support/bench.ts'
import { typist } from '../support/typist.ts'
import type { ApiBench, ApiFigure } from './figure.ts'

const WARM_UPS = 50
const KEYS = 500
const PAUSE_MS = 5
const MOST_MS = 30_000
/** Nobody reads the keys: the terminal in the container itself echoes them. */
const COMMAND = ['sh', '-c', 'echo ready; exec sleep 3600']

/**
 * A key sent through the API's WebSocket on loopback until it comes back, less the same typed at a local terminal
 * through `compute-node shell`: key by key in turn, so that other load falls on both.
 */
export const echo: ApiFigure = {
  targets: { echoOverheadMs: { atMost: 3 } },
  async measure(bench) {
    const program = `${import.meta.dirname}/../../bin/compute-node.js`
    const shell = ['shell', bench.leaseId, '--data-dir', bench.renterDir, '--', ...COMMAND]
    using command = await typist([process.execPath, program, ...shell])
    using socket = await terminal(bench)
    const [apiMs, shellMs]: [number[], number[]] = [[], []]
    for (let turn = -WARM_UPS; turn < KEYS; turn++) {
      const [a, b] = [await socket.echoMs(), await command.echoMs()]
      if (turn < 0) continue
      apiMs.push(a)
      shellMs.push(b)
      await delay(PAUSE_MS)
    }
    const overheadMs = median(apiMs) - median(shellMs)
    bench.progress(`a key's echo takes ${overheadMs.toFixed(2)} ms longer than compute-node shell`)
    return {
      figures: {
        echoOverheadMs: overheadMs,
        echoP50Ms: median(apiMs),
        echoP99Ms: quantile(apiMs, 0.99),
      },
      yardstick: { shellEchoP50Ms: median(shellMs), shellEchoP99Ms: quantile(shellMs, 0.99) },
    }
  },
}

/** A terminal in the lease as a page opens it. */
async function terminal({ apiUrl, token, leaseId }: ApiBench) {
  const asked = JSON.stringify({ command: COMMAND, size: { columns: 80, rows: 24 } })
  const path = withQuery(`/v1/leases/${leaseId}/shell`, { request: asked })
  const socket = new WebSocket(`${apiUrl.replace('http', 'ws')}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  })
  const ready = shows(socket, 'ready')
  await once(socket, 'open')
  await ready
  return {
    async echoMs(): Promise<number> {
      const startMs = performance.now()
      const shown = shows(socket, 'x')
      socket.send(Uint8Array.of(channels.stdin, 'x'.charCodeAt(0)))
      await shown
      return performance.now() - startMs
    },
    [Symbol.dispose]: () => socket.close(),
  }
}

/** Resolves when the text was printed. */
function shows(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const settle = (outcome: () => void): void => {
      clearTimeout(timer)
      socket.off('message', onMessage)
      outcome()
    }
    const onMessage = (data: Buffer, isBinary: boolean): void => {
      if (isBinary) seen += data.toString('latin1', 1)
      if (seen.includes(text)) settle(resolve)
    }
    const fail = (): void => reject(new NodeError('FAILED', `the API did not show ${text}`))
    const timer = setTimeout(() => settle(fail), MOST_MS)
    socket.on('message', onMessage)
  })
}
