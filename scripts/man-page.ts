import type { Command } from '../src/node/commands/command.ts'
import { commands, runNodeCommand } from '../src/node/commands/command-table.ts'
import { queryLanguage } from '../src/node/commands/query-help.ts'
import { exitCodes } from '../src/node/exit-codes.ts'
import { defaultText, optionUsage } from '../src/node/help.ts'
import type { OptionScope } from '../src/node/options/option.ts'
import { envName, type OptionKey, optionTable } from '../src/node/options.ts'
import { FIELDS } from '../src/query/fields.ts'

/**
 * docs/compute-node.1, made from the option table and the command table, in the macros of man(7); npm installs it with
 * the program.
 */
export function renderManPage(): string {
  return `${[
    '.\\" Made by `npm run docs` from the tables in src/node; edit those.',
    '.TH COMPUTE\\-NODE 1 "" compute\\-node "User Commands"',
    '.SH NAME',
    'compute\\-node \\- rent out GPUs and rent them, from peer to peer',
    '.SH SYNOPSIS',
    '.B compute\\-node \\-\\-role',
    'miner|validator|renter|relay [OPTIONS]',
    '.br',
    '.B compute\\-node',
    'COMMAND [OPTIONS] [ARGUMENTS]',
    '.SH DESCRIPTION',
    ...description.map((line) => `.PP\n${text(line)}`),
    ...section('COMMANDS', commands.flatMap(commandEntry)),
    ...section('OPTIONS OF A NODE', [...optionEntries('node'), ...examplesOf(runNodeCommand)]),
    ...section('OPTIONS OF EVERY COMMAND', [
      ...optionEntries('network'),
      ...optionEntries('global'),
    ]),
    ...section('OPTIONS OF SINGLE COMMANDS', optionEntries('command')),
    ...section('QUERIES', [
      ...queryLanguage.map((line) => `.PP\n${text(line)}`),
      ...FIELDS.flatMap(({ name, unit, meaning }) =>
        entry(name, unit === undefined ? meaning : `${meaning} (${unit})`),
      ),
    ]),
    ...section(
      'EXIT STATUS',
      exitCodes.flatMap(([code, meaning]) => entry(String(code), meaning)),
    ),
    ...section(
      'FILES',
      files.flatMap(([path, what]) => entry(path, what)),
    ),
    '.SH SEE ALSO',
    text('docs/ of the package: cli.md has the shapes of --json, leases.md what a renter does.'),
  ].join('\n')}\n`
}

const description = [
  'A GPU market without a server: every participant runs one node, which finds others, rents from them or to them, and checks what they claim.',
  'A command uses the node that runs in its data folder; with none running it starts one for itself.',
  'A flag wins over its environment variable (COMPUTE_NODE_\\fIKEY\\fR), which wins over the configuration file, which wins over the default.',
  'Results go to stdout, everything else to stderr; --json prints one document.',
]

const files: readonly (readonly [string, string])[] = [
  ['identity.key', 'in the data folder: the key of the PeerId; losing it is losing the identity'],
  ['config.json', 'in the data folder: options of its node, where you make one'],
  ['control.sock', 'in the data folder: where commands reach the node'],
]

function commandEntry(command: Command): string[] {
  const { name, usage, describe, options, takesRest } = command
  const rest = takesRest === true && !usage.includes('--') ? '-- CMD…' : ''
  const own = options.filter((key) => key !== 'node').map((key) => optionUsage(key))
  return [
    ...entry([name, usage, rest].filter(Boolean).join(' '), `${describe}.`),
    ...(own.length === 0 ? [] : ['.br', text(`Options: ${own.join(', ')}`)]),
    ...examplesOf(command),
  ]
}

const examplesOf = ({ examples = [] }: Command): string[] =>
  examples.length === 0
    ? []
    : ['.RS', '.nf', ...examples.map(([line, does]) => text(`${line}   # ${does}`)), '.fi', '.RE']

const optionEntries = (scope: OptionScope): string[] =>
  [...optionTable]
    .filter(([, option]) => option.scope === scope)
    .flatMap(([key]) => optionEntry(key))

function optionEntry(key: OptionKey): string[] {
  const option = optionTable.get(key)!
  const fallback = defaultText(option)
  const told = [
    option.describe,
    ...(option.isList === true ? ['May be repeated.'] : []),
    ...(fallback === '' ? [] : [`Default: ${fallback}.`]),
    `Environment: ${envName(key)}.`,
  ]
  return entry(optionUsage(key), told.join('. ').replaceAll('..', '.'))
}

const section = (title: string, lines: readonly string[]): string[] => [`.SH ${title}`, ...lines]

/** A tagged paragraph: what it is called in bold, then what it means. */
const entry = (tag: string, meaning: string): string[] => ['.TP', `.B ${text(tag)}`, text(meaning)]

/** Text as roff takes it: a hyphen that can be pasted, no macro at the start of a line. */
const text = (plain: string): string =>
  plain
    .replace(/\\(?!f[IRB])/g, '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
