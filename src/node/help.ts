import type { Command } from './commands/command.ts'
import { commands, runNodeCommand } from './commands/command-table.ts'
import type { Option, OptionScope } from './options/option.ts'
import { flagText, type OptionKey, optionTable } from './options.ts'

/** The whole program's help. */
export function programHelp(): string {
  return `${[
    'compute-node: rent out GPUs and rent them, from peer to peer.',
    '',
    'Usage: compute-node --role miner|validator|renter|relay [OPTIONS]   run a node until stopped',
    '       compute-node COMMAND [OPTIONS] [ARGUMENTS]',
    '',
    'Commands:',
    ...twoColumns(commands.map(commandRow)),
    '',
    ...optionSection('Options of a node:', ['node']),
    ...optionSection('Options of every command:', ['network', 'global']),
    'compute-node COMMAND --help shows a command. Options are also read from COMPUTE_NODE_* and a JSON file.',
  ].join('\n')}\n`
}

/** What stands under the first words of several commands, e.g. `chain`; undefined where nothing does. */
export function groupHelp(group: string): string | undefined {
  const members = membersOf(group)
  if (members.length === 0) return undefined
  return `${[
    `Usage: compute-node ${group} COMMAND [OPTIONS] [ARGUMENTS]`,
    '',
    'Commands:',
    ...twoColumns(members.map(commandRow)),
    '',
    `compute-node ${group} COMMAND --help shows a command.`,
  ].join('\n')}\n`
}

/** The commands whose names go on from `group`. */
export const membersOf = (group: string): readonly Command[] =>
  commands.filter(({ name }) => name.startsWith(`${group} `))

/** One command's help. */
export async function commandHelp(command: Command): Promise<string> {
  const own = command.options.filter((key) => key !== 'node')
  const rest = command.takesRest === true ? ' -- CMD…' : ''
  const under = membersOf(command.name)
  const usage = ['compute-node', command.name, command.usage].filter(Boolean).join(' ')
  return `${[
    `Usage: ${usage}${command.usage.includes('--') ? '' : rest}`,
    '',
    `${command.describe}.`,
    '',
    ...(own.length > 0 ? ['Options:', ...twoColumns(own.map(optionRow)), ''] : []),
    ...(command.options.includes('node') ? optionSection('Options of a node:', ['node']) : []),
    ...(command.examples === undefined
      ? []
      : ['Examples:', ...twoColumns(command.examples.map(([text, does]) => [text, does])), '']),
    ...((await command.more?.()) ?? []),
    ...(under.length > 0 ? ['Commands under it:', ...twoColumns(under.map(commandRow)), ''] : []),
    ...optionSection('Options of every command:', ['network', 'global']),
  ]
    .join('\n')
    .trimEnd()}\n`
}

/** The command that a line of words names, the longest name first, or the usual one of a group; undefined when it names none. */
export function findCommand(
  words: readonly string[],
): { command: Command; args: readonly string[] } | undefined {
  for (const length of [3, 2, 1]) {
    const name = words.slice(0, length).join(' ')
    const command = commands.find((each) => each.name === name && words.length >= length)
    if (command !== undefined) return { command, args: words.slice(length) }
  }
  const command = words.length === 1 ? membersOf(words[0]!).find((each) => each.isUsual) : undefined
  return command === undefined ? undefined : { command, args: [] }
}

/** Every command with the unnamed one first, for documentation. */
export const allCommands: readonly Command[] = [runNodeCommand, ...commands]

/** How an option is written, e.g. `-o, --order FIELDS`. */
export function optionUsage(key: OptionKey): string {
  const { short, placeholder, bare } = optionTable.get(key)!
  const name = flagText(key)
  if (bare !== undefined) return `${name}[=${placeholder}]`
  return [short === undefined ? name : `-${short}, ${name}`, placeholder].filter(Boolean).join(' ')
}

/** A default as a person writes it; empty where there is none to tell. */
export function defaultText({ default: value, isSwitch, defaultText }: Option<unknown>): string {
  if (defaultText !== undefined) return defaultText
  if (value === undefined || isSwitch === true) return ''
  return Array.isArray(value) ? value.join(',') : String(value)
}

const commandRow = ({ name, usage, describe }: Command): [string, string] => [
  `${name} ${usage}`.trim(),
  describe,
]

function optionRow(key: OptionKey): [string, string] {
  const option = optionTable.get(key)!
  const fallback = defaultText(option)
  const repeat = option.isList === true ? ' (repeatable)' : ''
  return [
    optionUsage(key),
    `${option.describe}${repeat}${fallback === '' ? '' : ` [${fallback}] `}`.trimEnd(),
  ]
}

function optionSection(title: string, scopes: readonly OptionScope[]): string[] {
  const keys = [...optionTable].filter(([, { scope }]) => scopes.includes(scope))
  return [title, ...twoColumns(keys.map(([key]) => optionRow(key))), '']
}

const WIDEST = 34

function twoColumns(rows: readonly (readonly string[])[]): string[] {
  const width = Math.min(WIDEST, Math.max(...rows.map(([left]) => left!.length)))
  return rows.flatMap(([left, right]) =>
    left!.length > width
      ? [`  ${left}`, `  ${' '.repeat(width)}  ${right}`]
      : [`  ${left!.padEnd(width)}  ${right}`],
  )
}
