import { flag, maybe, type Option, option } from './option.ts'
import { duration } from './parse/measures.ts'
import { oneOf, port, text, whole } from './parse/plain.ts'
import { rentOptions } from './rent.ts'
import { sessionOptions } from './session.ts'
import { simulationOptions } from './simulation.ts'

/** Of single commands: each takes those that its row of the command table lists. */
export const commandOptions = {
  ...rentOptions,
  ...sessionOptions,
  out: maybe('command', 'File to write to', 'FILE', text, { isPath: true }),
  bundle: maybe('command', 'Also write an archive for who helps, without secrets', 'FILE', text, {
    isPath: true,
  }),
  export: maybe('command', 'File to write the whole evidence to', 'FILE', text, { isPath: true }),
  prove: maybe('command', 'Record to prove, by its id or its first 12 digits', 'ID', text),
  verify: maybe('command', 'Check such a file instead, with nothing else', 'FILE', text, {
    isPath: true,
  }),
  watch: flag('command', 'Go on until Ctrl-C, with what is measured now'),
  explain: flag('command', 'Show every term of the score'),
  publish: flag('command', 'Publish what a false value proves'),
  once: flag('command', 'Do one full round, print a summary and exit'),
  miners: option('command', 'How many miners', 'N', whole(1, 16), 2),
  validators: option('command', 'How many validators', 'N', whole(1, 16), 2),
  keep: flag('command', 'Keep the state of the last run'),
  port: option('command', 'Port to listen on (0 picks one)', 'N', port, 9944),
  blockMs: option('command', 'Time between blocks, in milliseconds', 'N', whole(10, 600_000), 1000),
  tempo: option('command', 'Blocks in an epoch', 'N', whole(2, 65_535), 10),
  seats: option('command', 'How many validators the highest stakes make', 'N', whole(1, 4096), 64),
  yes: flag('command', 'Do not ask before spending, or changing what is not ours', false, {
    short: 'y',
  }),
  write: flag('command', 'Keep it in a file that the configuration of ssh includes'),
  ...simulationOptions,
  replace: flag('command', 'Bind only what is named now, whoever else the hotkey bound'),
  prepare: flag('command', 'Sign and print the file for the nodes, and commit nothing yet'),
  undo: flag('command', 'Take it back'),
  open: flag('command', 'Print the link, and open no browser', true),
  csv: flag('command', 'Print comma-separated values'),
  fromEpoch: maybe('command', 'The first epoch', 'EPOCH', whole(0, 2 ** 48)),
  toEpoch: maybe('command', 'The last epoch (default: the newest)', 'EPOCH', whole(0, 2 ** 48)),
  coldkey: flag('command', 'The coldkey of the wallet, instead of its hotkey'),
  noPassword: flag('command', 'Leave the key readable to whoever reads its file'),
  keyType: option(
    'command',
    'Signature scheme of the key; btcli reads sr25519 alone',
    'TYPE',
    oneOf('sr25519', 'ed25519'),
    'sr25519',
  ),
  scope: option(
    'command',
    'What a token may do: look; rent and use leases; all',
    'SCOPE',
    oneOf('read', 'rent', 'operate'),
    'read',
  ),
  ttl: maybe('command', 'How long a token stands (default: until revoked)', 'TIME', duration),
  spec: option('command', 'Runtime version to speak', 'N', oneOf('218', '424'), '424'),
} as const satisfies Readonly<Record<string, Option<unknown>>>
