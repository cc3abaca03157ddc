import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { NodeError } from '../../errors.ts'
import { hostName, leaseHostKey } from '../ssh/host-key.ts'
import { sshOptions } from '../ssh/proxy-command.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { nameLease } from './name-lease.ts'

/** Runs this machine's ssh(1) on a lease; what stands after `--` is ssh's. Its exit code is passed through. */
export const ssh: Run = (context) =>
  withNode(context, async (client) => {
    const { config, args, rest = [] } = context
    const { id, lease } = await nameLease(client, args[0]!)
    const key = await leaseHostKey(config.dataDir, id)
    const options = sshOptions(context, lease, key).flatMap(([name, value]) => [
      '-o',
      `${name}=${value}`,
    ])
    return runSsh([...options, hostName(id), ...rest])
  })

/** Ctrl-C reaches it as a member of this terminal's group, and it decides what becomes of that. */
async function runSsh(args: readonly string[]): Promise<number> {
  const child = spawn('ssh', args, { stdio: 'inherit' })
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return code ?? 128 + constants.signals[signal!]
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_SSH', 'ssh cannot be started', {
      cause,
      next: 'apt-get install openssh-client, or use compute-node exec',
    })
  }
}
