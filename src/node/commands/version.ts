import { createOutput } from '../output.ts'
import { packageVersion } from '../package-version.ts'
import type { Run } from './command.ts'

/** Prints the version of this program. */
export const version: Run = async ({ terminal, config }) => {
  const current = packageVersion()
  createOutput(terminal, config).value({ version: current, node: process.version }, () => current)
  return 0
}
