import { execFile } from 'node:child_process'
import { messageOf, NodeError } from '../errors.ts'
import { egressRules, entriesFor } from './egress-rules.ts'

const WAIT = ['-w', '5'] // another program may be changing the tables
const TIMEOUT_MS = 15_000
/** Where iptables is, also for a service that was given a short path. */
const PATH = [process.env['PATH'], '/usr/sbin', '/sbin'].filter(Boolean).join(':')

/**
 * Keeps everything behind this bridge away from the host and the private network. May be repeated, and is idempotent.
 * ENGINE_FIREWALL when the rules cannot be set: then nothing keeps a tenant in.
 */
export async function ensureFirewall(bridge: string): Promise<void> {
  try {
    await run('iptables-restore', [...WAIT, '--noflush'], egressRules())
    for (const [chain, rule] of entriesFor(bridge)) {
      if (!(await enters(chain, rule))) await run('iptables', [...WAIT, '-I', chain, '1', ...rule])
    }
  } catch (cause) {
    throw new NodeError(
      'ENGINE_FIREWALL',
      `leases can reach this machine's private network: ${messageOf(cause)}`,
      {
        cause,
        next: 'run the miner as root where the Docker Engine runs, with iptables installed, or fence the bridge by other means',
      },
    )
  }
}

async function enters(chain: string, rule: readonly string[]): Promise<boolean> {
  try {
    await run('iptables', [...WAIT, '-C', chain, ...rule])
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return false
    throw error
  }
}

function run(program: string, args: readonly string[], input = ''): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { timeout: TIMEOUT_MS, env: { ...process.env, PATH } },
      (error, _stdout, stderr) => {
        if (error === null) resolve()
        else reject(Object.assign(new Error(stderr.trim() || error.message), { code: error.code }))
      },
    )
    child.stdin?.on('error', () => undefined) // its own exit says why
    child.stdin?.end(input)
  })
}
