import { once } from 'node:events'
import { parseCommandLine } from '../../src/node/command-line.ts'
import { loadConfig } from '../../src/node/config.ts'
import { createLog } from '../../src/node/log-to-stderr.ts'
import { createNode } from '../../src/node/node.ts'
import type { Parts } from '../../src/node/parts.ts'
import { servicesOf } from '../../src/node/roles.ts'
import type { Service } from '../../src/node/service.ts'
import { challengeMiners } from '../../src/node/services/challenge-miners.ts'
import { vouchesForAll } from './lies/accomplice.ts'
import type { Lie } from './lies/lie.ts'

/** Lies that need to know nobody. */
const lies: readonly Lie[] = [vouchesForAll]
const nobody = { rival: '', falseValue: '', badPath: '' }

/** What a validator runs, but for what it says. */
const servicesWith =
  (lie: Lie) =>
  (parts: Parts): Service[] => {
    const { capabilities, chainView } = parts
    const all = () =>
      capabilities.all().filter(({ payload }) => chainView.neuronOf(payload.peerId) !== undefined)
    return servicesOf(parts).map((service) =>
      service.name === 'challenge-miners'
        ? challengeMiners({
            ...parts,
            ...parts.proving!,
            capabilities: { all, learn: capabilities.learn },
            testifierOf: (needs) => lie.testifier({ ...parts, ...needs }, nobody),
          })
        : service,
    )
  }

// `node lying-validator.ts LIE --role validator --data-dir DIR --json`: a process like those of a devnet, except that it
// lies. compute-node itself has no such option.
const [name = '', ...argv] = process.argv.slice(2)
const lie = lies.find((one) => one.name === name)
if (lie === undefined) throw new Error(`no such lie: "${name}"`)
const config = loadConfig({ flags: parseCommandLine(argv).flags })
const log = createLog({ level: config.logLevel, json: config.json })
const ended = Promise.race([once(process, 'SIGTERM'), once(process, 'disconnect')])
const node = await createNode(config, { log, services: servicesWith(lie) })
const ready = {
  event: 'ready',
  peerId: node.parts.core.peerId,
  addrs: node.addrs,
  control: node.control.socketPath,
}
process.stdout.write(`${JSON.stringify(ready)}\n`)
await ended
await node[Symbol.asyncDispose]()
process.exit(0)
