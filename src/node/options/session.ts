import { flag, list, maybe, type Option, option, pairs } from './option.ts'
import { idempotencyKey, imageTag, volume } from './parse/lease.ts'
import { ago, size } from './parse/measures.ts'
import { text, whole } from './parse/plain.ts'

/** Of single commands: what is done in leases and with them. */
export const sessionOptions = {
  tty: flag('command', 'Give the command a terminal', false, { short: 't' }),
  env: pairs('command', 'Variable for the command, or for all that runs in a lease', 'NAME=VALUE'),
  label: pairs(
    'command',
    'What you call a lease by; of a list, only those with it',
    'NAME=VALUE',
    /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/,
  ),
  workdir: maybe(
    'command',
    'Folder of the container to run in (default: as the image says)',
    'DIR',
    text,
  ),
  user: maybe(
    'command',
    'User of the container to run as (default: as the image says)',
    'USER',
    text,
  ),
  exclude: list(
    'command',
    'What not to copy, as in .gitignore; may be given several times',
    'PATTERN',
    text,
  ),
  key: maybe(
    'command',
    'What to call this request: repeated under the same key, it is done once',
    'KEY',
    idempotencyKey,
  ),
  volumes: list(
    'command',
    'Keep a folder beyond the lease, on its miner: NAME:/PATH[:SIZE][:ro]',
    'VOLUME',
    volume,
    [],
    { flag: 'volume' },
  ),
  output: maybe('command', 'File to write to', 'FILE', text, { isPath: true }),
  tag: maybe(
    'command',
    'Name of the image in the file (default: cn-LEASE:latest)',
    'NAME',
    imageTag,
  ),
  pause: flag('command', 'Let everything in the lease go on while its image is made', true),
  maxSize: maybe('command', 'Refuse what is larger', 'SIZE', size),
  limit: option('command', 'Only the newest so many; --json has all', 'N', whole(1, 1_000_000), 20),
  all: flag('command', 'All of them'),
  running: flag('command', 'Only leases that are not over'),
  detach: flag('command', 'Leave the command running, print its id', false, { short: 'd' }),
  follow: flag('command', 'Go on with what is printed from now on', false, { short: 'f' }),
  tail: maybe('command', 'Only the newest so many lines', 'N', whole(0, 1_000_000)),
  since: maybe(
    'command',
    'From so long ago on, or from a moment: 10m, 2026-01-02T03:04:05Z',
    'TIME',
    ago,
  ),
  timestamps: flag('command', 'Show when each line was printed'),
} as const satisfies Readonly<Record<string, Option<unknown>>>
