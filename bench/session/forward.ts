import { once } from 'node:events'
import { connect } from 'node:net'
import Docker from 'dockerode'
import { withQuery } from '../../src/node/control/client.ts'
import { MiB } from '../../src/units.ts'
import { median } from '../support/bench.ts'
import { bareStream, rate } from './bare-stream.ts'
import type { SessionBench, SessionFigure } from './figure.ts'

const ROUNDS = 5
const BYTES = 128 * MiB
const PORT = 7200

/**
 * Bytes from a service in the lease through `forward`, as a client on this machine gets them, against a bare libp2p
 * stream between two processes: turn by turn, so that other load falls on both.
 */
export const forward: SessionFigure = {
  targets: { forwardRatio: { atLeast: 0.5 } },
  async measure(bench) {
    await using bare = await bareStream(BYTES)
    await serveZeros(bench.container)
    const path = `/v1/leases/${bench.leaseId}/forward`
    const socket = await bench.client.webSocket(withQuery(path, { port: PORT, local: 0 }))
    const said = once(socket, 'message')
    socket.resume()
    const { local } = JSON.parse(String((await said)[0])) as { local: number }
    const [forwarded, raw]: [number[], number[]] = [[], []]
    for (let round = -1; round < ROUNDS; round++) {
      const rates = [await rate(readForwarded(local), BYTES), await rate(bare.read(), BYTES)]
      if (round < 0) continue
      forwarded.push(rates[0]!)
      raw.push(rates[1]!)
    }
    socket.close()
    const ratio = median(forwarded.map((value, i) => value / raw[i]!))
    bench.progress(`a forwarded port passes ${ratio.toFixed(2)} of a bare stream`)
    return {
      figures: { forwardRatio: ratio, forwardMBps: median(forwarded) },
      yardstick: { rawStreamMBps: median(raw) },
    }
  },
}

async function serveZeros(container: SessionBench['container']): Promise<void> {
  const script = `while true; do nc -l -p ${PORT} -e dd if=/dev/zero bs=64k count=${BYTES / 65536}; done`
  const exec = await new Docker().getContainer(container).exec({ Cmd: ['sh', '-c', script] })
  await exec.start({ Detach: true })
}

/** The service takes one connection after the other, and a moment in between. */
async function* readForwarded(port: number): AsyncIterable<Uint8Array> {
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1')
    let received = 0
    try {
      for await (const chunk of socket) {
        received += chunk.length
        yield chunk
      }
      return
    } catch (error) {
      if (received > 0 || tries === 100) throw error
    }
  }
}
