import { z } from 'zod'
import type { Command } from '../src/node/commands/command.ts'
import { queryPage } from '../src/node/commands/query-help.ts'
import { exitCodes } from '../src/node/exit-codes.ts'
import { allCommands, defaultText, optionUsage } from '../src/node/help.ts'
import { envName, type OptionKey, optionTable } from '../src/node/options.ts'
import { errorSchema, outputSchemas } from '../src/node/output-schemas.ts'

/** docs/cli.md, made from the option table, the command table and the output schemas. */
export function renderCliPage(): string {
  return `${[
    '# Command line',
    '',
    '<!-- Made by `npm run docs` from the tables in src/node; edit those. -->',
    '',
    ...sources,
    '## Commands',
    '',
    ...allCommands.flatMap(commandSection),
    '## Options',
    '',
    ...optionSections(),
    ...queryPage(),
    '## Exit codes',
    '',
    ...table(
      ['code', 'meaning'],
      exitCodes.map(([code, meaning]) => [String(code), meaning]),
    ),
    '',
    '`exec`, `shell` and `rent -- CMD` pass the exit code of the command in the container through.',
    '',
    ...outputSections(),
    ...folder,
  ].join('\n')}\n`
}

const sources =
  `A flag wins over its environment variable, which wins over the configuration file, which wins over the default. The file is the one of \`--config\`, or else \`config.json\` in the data folder: one JSON object whose keys are those of the table below. Paths in a file start at the file's folder. \`config/\` has examples. Everything after \`--\` is left alone.

A command uses the node that runs in its data folder; with none running it starts one for itself and listens for \`--gather\` before it answers.
`.split('\n')

const folder = `## The data folder

| file | what |
|---|---|
| \`identity.key\` | the key of the PeerId (0600): losing it is losing the identity |
| \`config.json\` | options of this folder's node, if you make one |
| \`store/\` | offers, attestations, leases, receipts |
| \`libp2p/\` | addresses of peers, DHT records |
| \`control.sock\` | where commands reach the node (0600); a path over 100 bytes moves to a private runtime folder |
| \`control.token\` | what \`--api-port\` asks for as \`Authorization: Bearer …\` (0600, new at every start) |
| \`access.json\` | tokens and signed-in browsers that may use \`--api-port\` (0600; hashes, not the secrets) |
| \`lock\` | the process that uses the folder |`.split('\n')

function commandSection(command: Command): string[] {
  const { name, usage, describe, options, examples = [] } = command
  const own = options.filter((key) => key !== 'node')
  return [
    `### ${name === '' ? 'compute-node --role ROLE' : `compute-node ${name}`}`,
    '',
    `${describe}.`,
    '',
    ...(usage === '' ? [] : ['```', `compute-node ${name} ${usage}`, '```', '']),
    ...(own.length === 0
      ? []
      : [`Options: ${own.map((key) => `\`${optionUsage(key)}\``).join(', ')}`, '']),
    ...(options.includes('node') ? ['Options: those of a node, below.', ''] : []),
    ...(examples.length === 0
      ? []
      : ['```', ...examples.map(([text, does]) => `${text}   # ${does}`), '```', '']),
  ]
}

const scopes = [
  ['global', 'Everywhere'],
  ['network', 'Everywhere: which market, and how to reach it'],
  ['node', 'Of a node'],
  ['command', 'Of single commands'],
] as const

function optionSections(): string[] {
  const head = ['option', 'environment', 'key in a file', 'default', 'what']
  return scopes.flatMap(([scope, title]) => {
    const keys = [...optionTable].filter(([, option]) => option.scope === scope)
    return [
      `### ${title}`,
      '',
      ...table(
        head,
        keys.map(([key]) => optionRow(key)),
      ),
      '',
    ]
  })
}

function optionRow(key: OptionKey): string[] {
  const option = optionTable.get(key)!
  const repeat = option.isList === true ? ' (repeatable; a list in a file)' : ''
  const fallback = defaultText(option)
  return [
    code(optionUsage(key)),
    code(envName(key)),
    code(key),
    fallback === '' ? '' : code(fallback),
    option.describe + repeat,
  ]
}

const capital = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`

function outputSections(): string[] {
  const first = new Map<z.ZodType, string>() // a shape that several commands print is shown once
  return [
    '## Output for programs',
    '',
    'Results go to stdout, everything else to stderr. With `--json` a list is one document `{"items":[…]}`, money is a decimal string, ids are hex. A failure is the last line on stdout:',
    '',
    ...schemaBlock(errorSchema),
    ...Object.entries(outputSchemas).flatMap(([name, { describe, schema }]) => {
      const title = name === '' ? '--role' : name
      const shown = first.get(schema)
      if (shown === undefined) first.set(schema, title)
      return [
        `### ${title} --json`,
        '',
        ...(shown === undefined
          ? [`${capital(describe)}:`, '', ...schemaBlock(schema)]
          : [`${capital(describe)}, as of \`${shown}\`.`, '']),
      ]
    }),
  ]
}

const schemaBlock = (schema: z.ZodType): string[] => {
  const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, { io: 'output' })
  return ['```json', JSON.stringify(inlined(json, $defs), null, 2), '```', '']
}

/** Shapes with a name (src/api) stand in their place: who reads the page need not look for them. */
function inlined(value: unknown, named: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(value)) return value.map((item) => inlined(item, named))
  if (typeof value !== 'object' || value === null) return value
  const { $ref, ...fields } = value as Record<string, unknown>
  const target = typeof $ref === 'string' ? named[$ref.slice('#/$defs/'.length)] : undefined
  const all = Object.entries({ ...(target as object | undefined), ...fields })
  return Object.fromEntries(
    all
      .filter(([key, field]) => key !== 'id' || typeof field !== 'string') // a name, and no field of that name
      .map(([key, field]) => [key, inlined(field, named)]),
  )
}

const code = (text: string): string => `\`${text}\``
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
]
