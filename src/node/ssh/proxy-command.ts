import { join, resolve } from 'node:path'
import { hoursMs } from '../../units.ts'
import type { CommandContext } from '../commands/command.ts'
import { flagName, type OptionKey, optionTable } from '../options.ts'
import { hostName, type LeaseHostKey } from './host-key.ts'

const program = join(import.meta.dirname, '../../../bin/compute-node.js')

/**
 * The line by which ssh(1) reaches a lease: this program, with the data folder and market of the command that writes
 * it. ssh hands it to a shell, after its own `%` tokens.
 */
export function proxyCommand(context: CommandContext, lease: string): string {
  const words = [process.execPath, program, 'proxy', lease, 'ssh', ...sameMarket(context)]
  return words.map((word) => quoted(word).replaceAll('%', '%%')).join(' ')
}

/** Flags that a node started by that line needs too. */
function sameMarket({ config, given }: CommandContext): string[] {
  const flags = ['--data-dir', resolve(config.dataDir)]
  for (const [key, { scope }] of optionTable) {
    if (!given?.has(key) || (scope !== 'network' && key !== 'config')) continue
    for (const value of asList(config[key])) flags.push(`--${flagName(key)}`, valueText(key, value))
  }
  return flags
}

const asList = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value]

const valueText = (key: OptionKey, value: unknown): string =>
  key === 'gatherMs' ? `${Math.min(Number(value), hoursMs(1))}ms` : String(value)

const quoted = (word: string): string =>
  /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** What ssh(1) must know of a lease, as `-o` takes it and as a configuration file has it. */
export const sshOptions = (
  context: CommandContext,
  lease: string,
  { knownHosts }: LeaseHostKey,
): readonly (readonly [keyword: string, value: string])[] => [
  ['HostName', hostName(lease)],
  ['HostKeyAlias', hostName(lease)],
  ['User', 'root'],
  ['ProxyCommand', proxyCommand(context, lease)],
  ['UserKnownHostsFile', inQuotes(knownHosts)],
  ['GlobalKnownHostsFile', '/dev/null'],
  ['StrictHostKeyChecking', 'yes'],
  // Nobody asks for a key here, so none is shown.
  ['PubkeyAuthentication', 'no'],
  ['UpdateHostKeys', 'no'],
  ['ControlMaster', 'no'],
]

/** A file name in ssh's configuration, where blanks separate and `%` begins a token. */
const inQuotes = (path: string): string => `"${path.replaceAll('%', '%%')}"`
