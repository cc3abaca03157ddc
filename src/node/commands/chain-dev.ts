import { once } from 'node:events'
import { join } from 'node:path'
import { startDevChain } from '../../chain/dev/start-dev-chain.ts'
import { createLog } from '../log-to-stderr.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** Runs the embedded chain until the first signal; its first line on stdout says where it listens. */
export const chainDev: Run = async ({ config, terminal, signal }) => {
  const log = createLog({ level: config.logLevel, json: config.json })
  const chain = await startDevChain({
    dataDir: join(config.dataDir, 'chain'),
    port: config.port,
    blockMs: config.blockMs,
    tempo: config.tempo,
    seats: config.seats,
    spec: config.spec === '218' ? 218 : 424,
    netuid: config.netuid,
    log: log.child('dev-chain'),
    signal,
  })
  const { url, genesis, stateRoot, beacon } = chain
  const { name, periodMs, genesisMs } = beacon
  const publicKey = Buffer.from(beacon.publicKey).toString('hex')
  const ready = { url, genesis, stateRoot, beacon: { name, publicKey, periodMs, genesisMs } }
  createOutput(terminal, { ...config, quiet: false }).value({ event: 'ready', ...ready }, () =>
    [
      `dev chain (spec ${config.spec}, subnet ${config.netuid}) on ${url}`,
      `  genesis    ${genesis}`,
      `  blocks     every ${config.blockMs} ms, an epoch every ${config.tempo} blocks`,
      `  beacon     every ${periodMs} ms`,
      '  stop with Ctrl-C',
    ].join('\n'),
  )
  if (!signal.aborted) await once(signal, 'abort')
  await chain.close()
  return 0
}
