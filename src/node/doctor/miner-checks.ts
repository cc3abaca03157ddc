import type { Config } from '../config.ts'
import { checkEngine } from './check-engine.ts'
import { checkClock, checkDisk } from './check-machine.ts'
import { checkPorts } from './check-node.ts'
import { checkPulses } from './check-pulses.ts'
import type { Finding } from './finding.ts'

/** What a miner needs besides its devices: the same findings as `doctor`'s, and nothing is started. */
export async function checkMiner(config: Config, signal: AbortSignal): Promise<Finding[]> {
  const miner = { ...config, roles: ['miner'] as const }
  const found = await Promise.all([
    checkClock(),
    checkPulses(miner, signal),
    checkDisk(config.dataDir),
    checkEngine(miner, signal),
    checkPorts(config.listen, config.dataDir),
  ])
  return found.flat()
}
