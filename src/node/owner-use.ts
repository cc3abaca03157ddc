import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { minutesMs, secondsMs } from '../units.ts'

/** Somebody who is not a node's tenant uses the machine; null: nobody; undefined: it cannot be told here. */
export type Use = string | null | undefined

/** A Mac whose keyboard and mouse rest this long is not in use. */
const IDLE_MS = minutesMs(5)
const TOOL_TIMEOUT_MS = secondsMs(5)

/**
 * Whether somebody sits at this machine. Linux: a session at a local seat that logind calls active, not locked and not
 * idle (the desktop decides when it is idle; remote sessions do not count). macOS: keyboard and mouse moved within five
 * minutes. Elsewhere it cannot be told.
 */
export async function inputUse(platform: NodeJS.Platform = process.platform): Promise<Use> {
  if (platform === 'darwin')
    return useInIoreg(await said('ioreg', ['-c', 'IOHIDSystem', '-d', '4']))
  if (platform !== 'linux') return undefined
  const listed = await said('loginctl', ['list-sessions', '--no-legend'])
  if (listed === undefined) return undefined
  const ids = listed.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || [])
  if (ids.length === 0) return null
  const properties = ['Class', 'Remote', 'Active', 'IdleHint', 'LockedHint']
  const args = ['show-session', ...ids, ...properties.flatMap((name) => ['-p', name])]
  const sessions = await said('loginctl', args)
  return sessions === undefined ? undefined : useInSessions(sessions)
}

/** Reads `loginctl show-session`: one block of `Key=value` lines for each session. */
export function useInSessions(text: string): Use {
  const used = text.split(/\n\s*\n/).some((block) => {
    const has = (line: string): boolean => block.split('\n').some((one) => one.trim() === line)
    const isLocal = has('Class=user') && has('Remote=no')
    return isLocal && has('Active=yes') && has('IdleHint=no') && !has('LockedHint=yes')
  })
  return used ? 'somebody is at this machine' : null
}

/** Reads `ioreg -c IOHIDSystem`: nanoseconds since the last input. */
export function useInIoreg(text: string | undefined): Use {
  const idle = /"HIDIdleTime"\s*=\s*(\d+)/.exec(text ?? '')
  if (idle === null) return undefined
  return Number(idle[1]) / 1e6 < IDLE_MS ? 'somebody is at this machine' : null
}

/** What a program of the system prints; undefined where it is not there, fails or hangs. */
const said = (program: string, args: readonly string[]): Promise<string | undefined> =>
  new Promise((resolve) => {
    const options = { timeout: TOOL_TIMEOUT_MS, killSignal: 'SIGKILL' } as const
    execFile(program, args, options, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    )
  })

/** What is a node's own: itself, what it started, and the containers of its leases. */
export interface Own {
  readonly pid: number
  readonly containerIds: readonly string[]
}

/**
 * Whether one of these processes is somebody else's. A process that cannot be seen from here (of another machine or
 * container, or ended meanwhile) is nobody's.
 */
export async function isUsedByOthers(pids: readonly number[], own: Own): Promise<boolean> {
  const owned = await Promise.all(pids.map((pid) => isOwn(pid, own)))
  return owned.includes(false)
}

/** How deep a tree of processes is searched: deeper ones are none. */
const DEEPEST = 64

async function isOwn(pid: number, own: Own): Promise<boolean | undefined> {
  const group = await procFile(pid, 'cgroup')
  if (group === undefined) return undefined
  if (own.containerIds.some((id) => group.includes(id))) return true
  for (let at = pid, depth = 0; at > 1 && depth < DEEPEST; depth++) {
    if (at === own.pid) return true
    at = await parentOf(at)
  }
  return false
}

/** 0 for one that has ended. The name of the program, in parentheses, may hold anything. */
async function parentOf(pid: number): Promise<number> {
  const status = await procFile(pid, 'stat')
  return Number(status?.slice(status.lastIndexOf(')') + 2).split(' ')[1] ?? 0)
}

const procFile = (pid: number, name: string): Promise<string | undefined> =>
  readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => undefined) // it ended, or is not visible here
