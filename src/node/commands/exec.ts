import { NodeError } from '../../errors.ts'
import type { Config } from '../config.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { runInLease } from './run-in-lease.ts'
import { runShell } from './run-shell.ts'

/** Runs a command in a lease; its exit code is the command's own. */
export const exec: Run = (context) =>
  withNode(context, async (client) => {
    const { args, rest, config, terminal, signal } = context
    if (rest === undefined || rest.length === 0) {
      throw new NodeError('BAD_CONFIG_USAGE', 'the command is missing', {
        next: 'compute-node exec LEASE -- CMD',
      })
    }
    if (config.tty && config.detach) {
      throw new NodeError('BAD_CONFIG_USAGE', 'a detached command has no terminal', {
        next: 'leave out --tty or --detach',
      })
    }
    const asked = { ...placeOf(config), command: [...rest] }
    if (config.tty) return runShell(client, args[0]!, asked, terminal, signal)
    const detach = config.detach ? { detach: true } : {}
    return runInLease(client, args[0]!, { ...asked, ...detach }, terminal, signal)
  })

/** Where, as whom and with which variables a command of the options runs. */
export const placeOf = ({ env, workdir, user }: Pick<Config, 'env' | 'workdir' | 'user'>) => ({
  env: { ...env },
  ...(workdir === undefined ? {} : { workingDir: workdir }),
  ...(user === undefined ? {} : { user }),
})
