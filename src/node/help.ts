import type { Command } from './commands/command.ts'
import { commands, runNodeCommand } from './commands/command-table.ts'
import type { Option, OptionScope } from './options/option.ts'
import { flagText, type OptionKey, optionTable } from './options.ts'

/** The whole program's help. */
export function programHelp(): string {
  const rows = commands.map(({ name, usage, describe }) => [`${name} ${usage}`.trim(), describe])
  return `${[
    'compute-node: rent out GPUs and rent them, from peer to peer.',
    '',
    'Usage: compute-node --role miner|validator|renter|relay [OPTIONS]   run a node until stopped',
    '       compute-node COMMAND [OPTIONS] [ARGUMENTS]',
    '',
    'Commands:',
    ...twoColumns(rows),
    '',
    ...optionSection('Options of a node:', ['node']),
    ...optionSection('Options of every command:', ['network', 'global']),
    'compute-node COMMAND --help shows a command. Options are also read from COMPUTE_NODE_* and a JSON file.',
  ].join('\n')}\n`
}

/** One command's help. */
export async function commandHelp(command: Command): Promise<string> {
  const own = command.options.filter((key) => key !== 'node')
  const rest = command.takesRest === true ? ' -- CMD…' : ''
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
    ...optionSection('Options of every command:', ['network', 'global']),
  ]
    .join('\n')
    .trimEnd()}\n`
}

/** The command that a line of words names, the longest name first; undefined when it names none. */
export function findCommand(
  words: readonly string[],
): { command: Command; args: readonly string[] } | undefined {
  for (const length of [3, 2, 1]) {
    const name = words.slice(0, length).join(' ')
    const command = commands.find((each) => each.name === name && words.length >= length)
    if (command !== undefined) return { command, args: words.slice(length) }
  }
  return undefined
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
