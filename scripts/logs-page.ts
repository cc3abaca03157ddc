import { eventTable, type Level, logTable } from '../src/node/log-table.ts'

/** docs/logs.md, made from the table of log lines and events. */
export function renderLogsPage(): string {
  return `${[
    '# Logs and events',
    '',
    '<!-- Made by `npm run docs` from the tables in src/node/log-table.ts; edit those. -->',
    '',
    ...intro,
    ...(Object.keys(levels) as Level[]).flatMap((level) => [
      `### ${level}`,
      '',
      levels[level],
      '',
      ...table('line', logTable[level]),
      '',
    ]),
    '## Events',
    '',
    'What `GET /v1/events` tells, each with `event`, `atMs` and fields of its own. Many are lines of the log too; what happens all the time is told here alone.',
    '',
    ...table('event', eventTable),
  ].join('\n')}\n`
}

const intro =
  `With \`--json\` a node writes one JSON document per line to stderr: \`level\`, \`time\` (ISO 8601, UTC), \`scope\` (the part of the program), \`event\` (one of the names below, which stay what they are from version to version), and fields. An error has \`code\` and \`error\` (its message), a fault of the program \`stack\` too. Without \`--json\` the same is one readable line. \`--log-level\` says from which level on.

\`\`\`
{"level":"warn","time":"2026-11-20T12:43:20.252Z","scope":"watch-gpus","gpu":"pci-0000:41:00.0","reason":"84 °C, above 80","event":"gpu-paused"}
\`\`\`

Keys, passwords and tokens never stand in a line. PeerIds, lease ids and messages of peers may. A \`*\` below stands for words that the program puts there: the name of a loop, of a setting, of a state.

## Lines of the log
`.split('\n')

const levels: Readonly<Record<Level, string>> = {
  error: 'Something that should work did not; look into it.',
  warn: 'Something an owner should know, and often do.',
  info: 'What was done.',
  debug: 'For who looks for a fault.',
}

const table = (head: string, names: Readonly<Record<string, string>>): string[] => [
  `| ${head} | what |`,
  '|---|---|',
  ...Object.entries(names).map(([name, what]) => `| \`${name}\` | ${what} |`),
]
