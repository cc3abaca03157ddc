import type { Config } from '../config.ts'
import { checkChain } from './check-chain.ts'
import { checkEngine } from './check-engine.ts'
import { checkHolds } from './check-holds.ts'
import { checkClock, checkDisk, checkMemory, checkNode } from './check-machine.ts'
import { checkBootstrap, checkDataFolder, checkPorts } from './check-node.ts'
import { checkProofs } from './check-proofs.ts'
import { checkPulses } from './check-pulses.ts'
import { checkWebgpu } from './check-webgpu.ts'
import type { Finding } from './finding.ts'

/** Looks at all that a node of these roles needs on this machine, in the order in which it is shown. */
export async function lookAtAll(config: Config, signal: AbortSignal): Promise<Finding[]> {
  const { roles } = config
  // Without a role all that this machine could do is looked at; leases and proofs are a miner's.
  const hosts = roles.length === 0 || roles.includes('miner')
  return [
    checkNode(),
    checkMemory(),
    await checkDisk(config.dataDir),
    await checkDataFolder(config.dataDir),
    ...(await checkPorts(config.listen, config.dataDir)),
    ...checkBootstrap(config),
    ...(hosts ? await checkEngine(config, signal) : []),
    ...(roles.includes('miner') ? await checkHolds(config, signal) : []),
    ...(hosts ? [await checkWebgpu(), ...(await checkProofs(config))] : []),
    await checkClock(),
    ...(await checkChain(config, signal)),
    ...(await checkPulses(config, signal)),
  ]
}
