import { setTimeout as delay } from 'node:timers/promises'
import { median, quantile } from '../support/bench.ts'
import { typist } from '../support/typist.ts'
import type { SessionFigure } from './figure.ts'

const WARM_UPS = 50
const KEYS = 500
const PAUSE_MS = 5
/** Nobody reads the keys: the terminal in the container itself echoes them. A line of one takes up to 4096. */
const COMMAND = ['sh', '-c', 'echo ready; exec sleep 3600']

/**
 * A key typed at a local pseudo-terminal until it shows there, through `compute-node shell`, both nodes and the engine,
 * against `docker exec -it` into the same container: key by key in turn, so that other load falls on both.
 */
export const echo: SessionFigure = {
  targets: { echoOverheadMs: { atMost: 1.5 } },
  async measure({ leaseId, container, renterDir, progress }) {
    const program = `${import.meta.dirname}/../../bin/compute-node.js`
    const shell = ['shell', leaseId, '--data-dir', renterDir, '--', ...COMMAND]
    using ours = await typist([process.execPath, program, ...shell])
    using docker = await typist(['docker', 'exec', '-it', container, ...COMMAND])
    const [shellMs, dockerMs]: [number[], number[]] = [[], []]
    for (let turn = -WARM_UPS; turn < KEYS; turn++) {
      const [a, b] = [await ours.echoMs(), await docker.echoMs()]
      if (turn < 0) continue
      shellMs.push(a)
      dockerMs.push(b)
      await delay(PAUSE_MS)
    }
    const overheadMs = median(shellMs) - median(dockerMs)
    progress(`a key's echo takes ${overheadMs.toFixed(2)} ms longer than docker exec -it`)
    return {
      figures: {
        echoOverheadMs: overheadMs,
        echoP50Ms: median(shellMs),
        echoP99Ms: quantile(shellMs, 0.99),
      },
      yardstick: {
        dockerExecEchoP50Ms: median(dockerMs),
        dockerExecEchoP99Ms: quantile(dockerMs, 0.99),
      },
    }
  },
}
