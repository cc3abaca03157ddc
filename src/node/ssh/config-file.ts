import { mkdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { dataFolder } from '../data-folder.ts'
import { replace } from './host-key.ts'

/** One `Host` of ssh's configuration. */
export interface SshHost {
  readonly name: string
  readonly options: readonly (readonly [keyword: string, value: string])[]
}

/** ssh's configuration for these hosts. */
export const renderHosts = (hosts: readonly SshHost[]): string =>
  hosts
    .map(({ name, options }) =>
      [`Host ${name}`, ...options.map(([keyword, value]) => `  ${keyword} ${value}`), ''].join(
        '\n',
      ),
    )
    .join('\n')

/** The file in the data folder that ssh's own configuration includes. */
export const hostsFile = (dataDir: string): string =>
  join(dataFolder(dataDir).path, 'ssh', 'config')

const HEAD = '# Written by `compute-node ssh-config --write`, which replaces it whole.\n\n'

/** Writes the hosts into the data folder's file. */
export async function writeHosts(dataDir: string, hosts: readonly SshHost[]): Promise<void> {
  const file = hostsFile(dataDir)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await replace(file, HEAD + renderHosts(hosts))
}

/** The line that ssh's own configuration needs. */
export const includeLine = (dataDir: string): string => `Include "${hostsFile(dataDir)}"`

/** Whether `configFile` includes the data folder's file. */
export async function isIncluded(configFile: string, dataDir: string): Promise<boolean> {
  const text = await textOf(configFile)
  return text.split('\n').some((line) => line.trim() === includeLine(dataDir))
}

/**
 * Puts the line at the top of `configFile`: below a `Host` it would count for that host alone. The rest, its mode and a
 * link that leads to it stay as they are.
 */
export async function include(configFile: string, dataDir: string): Promise<void> {
  if (await isIncluded(configFile, dataDir)) return
  await mkdir(dirname(configFile), { recursive: true, mode: 0o700 })
  const file = await realpath(configFile).catch(() => configFile) // it is about to be made
  const mode = await stat(file).then(
    (found) => found.mode & 0o777,
    () => 0o600,
  )
  await replace(file, `${includeLine(dataDir)}\n\n${await textOf(file)}`, mode)
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
