import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The tables and settings of the network that an engine's bridges are in; tests pass those of a namespace. */
export interface HostNetwork {
  /** Runs a program of iptables with its input; resolves with its output, rejects with what it says on stderr. */
  run(program: string, args: readonly string[], input?: string): Promise<string>
  /** A setting below `net/`, e.g. `ipv6/conf/eth0/disable_ipv6`; undefined where the kernel has none of that name. */
  readSetting(name: string): Promise<string | undefined>
  writeSetting(name: string, value: string): Promise<void>
}

const TIMEOUT_MS = 15_000
/** Where iptables is, also for a service that was given a short path. */
const PATH = [process.env['PATH'], '/usr/sbin', '/sbin'].filter(Boolean).join(':')
const SETTINGS = '/proc/sys/net'

/** This machine's own; writing takes root. */
export const hostNetwork: HostNetwork = {
  run: runProgram,
  async readSetting(name) {
    try {
      return (await readFile(join(SETTINGS, name), 'utf8')).trim()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  },
  writeSetting: (name, value) => writeFile(join(SETTINGS, name), value),
}

/** Runs one program to its end. */
export function runProgram(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { timeout: TIMEOUT_MS, env: { ...process.env, PATH } },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(new Error(stderr.trim() || error.message))
      },
    )
    child.stdin?.on('error', () => undefined) // its own exit says why
    child.stdin?.end(input)
  })
}
