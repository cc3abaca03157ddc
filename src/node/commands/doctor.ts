import { lookAtAll } from '../doctor/look-at-all.ts'
import { printFindings } from '../finding-list.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** Looks at what a node needs on this machine; exit code 0 when nothing required is missing, else 1. */
export const doctor: Run = async ({ config, terminal, signal }) =>
  printFindings(createOutput(terminal, config), await lookAtAll(config, signal))
