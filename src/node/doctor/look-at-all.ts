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

/**
 * Looks at all that a node of these roles needs on this machine, in the order in which it is shown. Without trials
 * nothing is started or filled: what an overfilled container shows, and devices that are opened, are left out.
 */
export async function lookAtAll(
  config: Config,
  signal: AbortSignal,
  { trials = true }: { readonly trials?: boolean } = {},
): Promise<Finding[]> {
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
    ...(trials && roles.includes('miner') ? await checkHolds(config, signal) : []),
    ...(trials && hosts ? [await checkWebgpu(), ...(await checkProofs(config))] : []),
    await checkClock(),
    ...(await checkChain(config, signal)),
    ...(await checkPulses(config, signal)),
  ]
}
