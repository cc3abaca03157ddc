import { lookAtAll } from '../doctor/look-at-all.ts'
import { makeBundle } from '../doctor/make-bundle.ts'
import { printFindings } from '../finding-list.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** Looks at what a node needs on this machine; exit code 0 when nothing required is missing, else 1. */
export const doctor: Run = async ({ config, terminal, signal }) => {
  const findings = await lookAtAll(config, signal)
  const output = createOutput(terminal, config)
  if (config.bundle !== undefined) {
    const parts = await makeBundle(config.bundle, config, findings, signal)
    output.note(`${config.bundle}: ${parts.length} files; read it before you send it`)
  }
  return printFindings(output, findings)
}
