import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { NodeError } from '../../errors.ts'
import type { Layout } from './layout.ts'

interface State {
  readonly pid: number
  readonly startedAt: string
}

/**
 * Takes the devnet's folder for this process: refuses while another devnet runs there, removes the state of the last
 * one unless `keep`, and never removes a folder that is not a devnet's.
 * @throws BAD_CONFIG_RUNNING naming the process that runs; BAD_CONFIG_FOLDER
 */
export function takeFolder(layout: Layout, keep: boolean): Disposable {
  const { root, stateFile } = layout
  if (existsSync(stateFile)) {
    const state = readState(stateFile)
    if (state !== undefined && alive(state.pid)) {
      throw new NodeError(
        'BAD_CONFIG_RUNNING',
        `a devnet already runs in ${root}: process ${state.pid}, since ${state.startedAt}`,
        { next: `use it, or stop it with: kill ${state.pid}` },
      )
    }
    if (!keep) rmSync(root, { recursive: true })
  } else if (existsSync(root) && readdirSync(root).length > 0) {
    throw new NodeError('BAD_CONFIG_FOLDER', `${root} is not empty and not a devnet's folder`, {
      next: 'choose another --data-dir',
    })
  }
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const state: State = { pid: process.pid, startedAt: new Date().toISOString() }
  writeFileSync(stateFile, JSON.stringify(state), { mode: 0o600 })
  return { [Symbol.dispose]: () => writeFileSync(stateFile, JSON.stringify({ ...state, pid: 0 })) }
}

function readState(file: string): State | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as State
  } catch {
    return undefined // cut off while it was written: nothing runs that could be named
  }
}

function alive(pid: number): boolean {
  if (pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
