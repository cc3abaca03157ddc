import { checkEngine } from '../doctor/check-engine.ts'
import { checkClock, checkDisk, checkMemory, checkNode } from '../doctor/check-machine.ts'
import { checkDataFolder, checkPorts } from '../doctor/check-node.ts'
import { checkProofs } from '../doctor/check-proofs.ts'
import { checkPulses } from '../doctor/check-pulses.ts'
import { checkWebgpu } from '../doctor/check-webgpu.ts'
import type { Finding } from '../doctor/finding.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** Looks at what a node needs on this machine; exit code 0 when nothing required is missing, else 1. */
export const doctor: Run = async ({ config, terminal, signal }) => {
  const findings = [
    checkNode(),
    checkMemory(),
    await checkDisk(config.dataDir),
    await checkDataFolder(config.dataDir),
    ...(await checkPorts(config.listen, config.dataDir)),
    ...(await checkEngine(config, signal)),
    await checkWebgpu(),
    ...(await checkProofs(config)),
    await checkClock(),
    ...(await checkPulses(config, signal)),
  ]
  const output = createOutput(terminal, config)
  output.list<Finding>(findings, {
    id: ({ check }) => check,
    columns: [
      { title: 'CHECK', value: ({ check }) => check },
      { title: '', value: ({ ok, required }) => (ok ? 'ok' : required ? 'MISSING' : 'lacking') },
      { title: 'FOUND', value: ({ actual }) => actual, shrinks: true },
      { title: 'WANTED', value: ({ wanted }) => wanted, shrinks: true },
    ],
  })
  for (const { check, ok, remedy } of findings) if (!ok) output.note(`${check}: ${remedy}`)
  return findings.every(({ ok, required }) => ok || !required) ? 0 : 1
}
