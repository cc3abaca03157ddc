import { checkChain } from '../doctor/check-chain.ts'
import { checkEngine } from '../doctor/check-engine.ts'
import { checkHolds } from '../doctor/check-holds.ts'
import { checkClock, checkDisk, checkMemory, checkNode } from '../doctor/check-machine.ts'
import { checkDataFolder, checkPorts } from '../doctor/check-node.ts'
import { checkProofs } from '../doctor/check-proofs.ts'
import { checkPulses } from '../doctor/check-pulses.ts'
import { checkWebgpu } from '../doctor/check-webgpu.ts'
import { makeBundle } from '../doctor/make-bundle.ts'
import { printFindings } from '../finding-list.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** Looks at what a node needs on this machine; exit code 0 when nothing required is missing, else 1. */
export const doctor: Run = async ({ config, terminal, signal }) => {
  const { roles } = config
  // Without a role all that this machine could do is looked at; leases and proofs are a miner's.
  const hosts = roles.length === 0 || roles.includes('miner')
  const findings = [
    checkNode(),
    checkMemory(),
    await checkDisk(config.dataDir),
    await checkDataFolder(config.dataDir),
    ...(await checkPorts(config.listen, config.dataDir)),
    ...(hosts ? await checkEngine(config, signal) : []),
    ...(roles.includes('miner') ? await checkHolds(config, signal) : []),
    ...(hosts ? [await checkWebgpu(), ...(await checkProofs(config))] : []),
    await checkClock(),
    ...(await checkChain(config, signal)),
    ...(await checkPulses(config, signal)),
  ]
  const output = createOutput(terminal, config)
  if (config.bundle !== undefined) {
    const parts = await makeBundle(config.bundle, config, findings, signal)
    output.note(`${config.bundle}: ${parts.length} files; read it before you send it`)
  }
  return printFindings(output, findings)
}
