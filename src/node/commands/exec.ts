import { NodeError } from '../../errors.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { runInLease } from './run-in-lease.ts'

/** Runs a command in a lease; its exit code is the command's own. */
export const exec: Run = (context) =>
  withNode(context, async (client) => {
    const { args, rest, terminal, signal } = context
    if (rest === undefined || rest.length === 0) {
      throw new NodeError('BAD_CONFIG_USAGE', 'the command is missing', {
        next: 'compute-node exec LEASE -- CMD',
      })
    }
    return runInLease(client, args[0]!, { command: [...rest] }, terminal, signal)
  })
