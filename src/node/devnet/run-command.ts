import { spawn } from 'node:child_process'
import { join } from 'node:path'

const entry = join(import.meta.dirname, '../../../bin/compute-node.js')
const KEPT_BYTES = 64 * 1024

export interface CommandResult {
  readonly exitCode: number
  /** At most the first 64 KiB. */
  readonly stdout: string
  readonly stderr: string
}

/** Runs one `compute-node` command as a person would, in a process of its own. */
export function runCommand(
  args: readonly string[],
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<CommandResult> {
  const child = spawn(process.execPath, [entry, ...args], {
    env,
    signal,
    // The channel ends it with this process, however that ends.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (text: string) => {
      if (said[name].length < KEPT_BYTES) said[name] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...said, exitCode: code ?? -1 }))
  })
}
