import { homedir } from 'node:os'
import { join } from 'node:path'
import { flag, maybe, type Option, option } from './option.ts'
import { oneOf, text } from './parse/plain.ts'

/** Everywhere: this program and its data folder. */
export const globalOptions = {
  help: flag('global', 'Show help, of a command when one is named', false, { short: 'h' }),
  version: flag('global', 'Print the version', false, { short: 'V' }),
  config: maybe(
    'global',
    'JSON file with options (default: config.json of the data folder)',
    'FILE',
    text,
    { isPath: true },
  ),
  dataDir: option(
    'global',
    'Folder with the key, the database and the control socket',
    'DIR',
    text,
    join(homedir(), '.compute-node'),
    { isPath: true, defaultText: '~/.compute-node' },
  ),
  json: flag('global', 'Machine-readable output on stdout'),
  quiet: flag('global', 'Print ids only', false, { short: 'q' }),
  color: flag('global', 'Print without colours, as NO_COLOR does', true),
  logLevel: option(
    'global',
    'Least severe log line to write to stderr',
    'LEVEL',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'warn',
  ),
} as const satisfies Readonly<Record<string, Option<unknown>>>
