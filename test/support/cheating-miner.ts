import { once } from 'node:events'
import { sha256 } from '../../src/bytes.ts'
import { parseCommandLine } from '../../src/node/command-line.ts'
import { loadConfig } from '../../src/node/config.ts'
import { createLog } from '../../src/node/log-to-stderr.ts'
import type { Misbehaviour } from '../../src/node/miner-run.ts'
import { createNode } from '../../src/node/node.ts'
import type { Parts } from '../../src/node/parts.ts'
import { servicesOf } from '../../src/node/roles.ts'
import type { Service } from '../../src/node/service.ts'
import { answerChallenges } from '../../src/node/services/answer-challenges.ts'

const flipFirst = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === 0 ? b ^ 1 : b))

/** How each cheat lies; the rest of it is an honest node. */
const cheats: Readonly<Record<string, Misbehaviour>> = {
  /** Corrupts an opened value. */
  corrupt: {
    openings: ({ gemm, ...others }) => ({
      ...others,
      gemm: { ...gemm, rows: flipFirst(gemm.rows) },
    }),
  },
  /** Ticks like others, then says nothing more. */
  silent: { sends: (kind) => kind === 'tick' },
  /** Works on a seed of its own choice. */
  elsewhere: { seed: (seed, work) => (work === 'gemm' ? sha256(seed) : seed) },
}

/** What a miner runs, but for how it answers challenges. */
const servicesWith =
  (misbehaviour: Misbehaviour) =>
  (parts: Parts): Service[] =>
    servicesOf(parts).map((service) =>
      service.name === 'answer-challenges'
        ? answerChallenges({ ...parts, ...parts.proving!, ...parts.provers! }, misbehaviour)
        : service,
    )

// `node cheating-miner.ts CHEAT --role miner --data-dir DIR --json`: a process like those of a devnet, except that it
// cheats. compute-node itself has no such option.
const [cheat = '', ...argv] = process.argv.slice(2)
const misbehaviour = cheats[cheat]
if (misbehaviour === undefined) throw new Error(`no such cheat: "${cheat}"`)
const config = loadConfig({ flags: parseCommandLine(argv).flags })
const log = createLog({ level: config.logLevel, json: config.json })
const ended = Promise.race([once(process, 'SIGTERM'), once(process, 'disconnect')])
const node = await createNode(config, { log, services: servicesWith(misbehaviour) })
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
