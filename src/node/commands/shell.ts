import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { placeOf } from './exec.ts'
import { runShell } from './run-shell.ts'

/** Opens a terminal in a lease; its exit code is the command's own. */
export const shell: Run = (context) =>
  withNode(context, async (client) => {
    const { args, rest = [], config, terminal, signal } = context
    const asked = { ...placeOf(config), ...(rest.length === 0 ? {} : { command: [...rest] }) }
    return runShell(client, args[0]!, asked, terminal, signal)
  })
