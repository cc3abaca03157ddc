import { homedir } from 'node:os'
import { join } from 'node:path'
import { DRAND_URLS } from '../chain/drand-servers.ts'
import { backendChoices } from '../gpu/choose-backend.ts'
import { GiB, hoursMs, minutesMs, secondsMs } from '../units.ts'
import { type EngineConfig, parseEngines } from './engine-options.ts'
import { MAX_WAITING } from './leases/policy.ts'
import {
  ago,
  cabalOf,
  duration,
  flag,
  hex32,
  hours,
  httpUrl,
  idempotencyKey,
  image,
  leaseHours,
  list,
  maybe,
  multiaddr,
  type Option,
  oneOf,
  option,
  orOff,
  pairs,
  peer,
  peerOr,
  percent,
  price,
  share,
  size,
  stakeOf,
  text,
  volume,
  webSocketUrl,
  weightOf,
  whole,
  word,
} from './option-types.ts'

const port = whole(0, 65_535)

/**
 * Every option, declared once: flags, `COMPUTE_NODE_*`, the configuration file, `--help` and docs/cli.md read this
 * table. Which commands take a `command` option stands in commands/command-table.ts.
 */
export const options = {
  // Everywhere
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

  // Which market, and how to reach it
  network: option('network', 'Market to join', 'NAME', oneOf('local', 'test', 'finney'), 'finney'),
  netuid: option('network', 'Subnet number', 'N', whole(0, 65_535), 51),
  genesis: maybe('network', 'Genesis hash of a local network', 'HEX', hex32),
  bootstrap: list('network', 'Peer to join through', 'ADDR', multiaddr),
  chain: maybe('network', 'Chain node to ask', 'URL', webSocketUrl),
  peers: list(
    'network',
    'PeerId to admit on a local network; all others are refused',
    'PEER',
    text,
    [],
    { flag: 'peer' },
  ),
  gatherMs: option(
    'network',
    'How long a command without a running node listens before it answers',
    'TIME',
    duration,
    secondsMs(3),
    { flag: 'gather', defaultText: '3s' },
  ),
  walletName: option('network', 'Wallet (coldkey) to use', 'NAME', text, 'default', {
    flag: 'wallet.name',
  }),
  walletHotkey: option('network', 'Hotkey of the wallet', 'NAME', text, 'default', {
    flag: 'wallet.hotkey',
  }),
  walletPath: option(
    'network',
    'Folder of wallets, as btcli keeps them',
    'DIR',
    text,
    join(homedir(), '.bittensor', 'wallets'),
    { flag: 'wallet.path', isPath: true, defaultText: '~/.bittensor/wallets' },
  ),

  // A node
  roles: list(
    'node',
    'What this node does',
    'ROLE',
    oneOf('miner', 'validator', 'renter', 'relay'),
    [],
    { flag: 'role' },
  ),
  listen: list('node', 'Address to listen on', 'ADDR', multiaddr, ['/ip4/0.0.0.0/tcp/4501']),
  announce: list('node', 'Address that others reach this node at', 'ADDR', multiaddr),
  engine: option(
    'node',
    'What runs containers; process is for local networks alone',
    'KIND',
    oneOf('auto', 'docker', 'process'),
    'auto',
  ),
  engines: {
    scope: 'node',
    describe: 'Docker Engine of several: {name, url, tls, gpus} (docs/containers.md)',
    placeholder: 'JSON',
    isList: true,
    isJson: true,
    default: [],
    parse: parseEngines,
  } as Option<readonly EngineConfig[]>,
  backend: option(
    'node',
    'What proves GPUs; auto takes what suits each, cpu counts on local networks alone',
    'NAME',
    oneOf(...backendChoices),
    'auto',
  ),
  subgroupMatrix: flag(
    'node',
    'Multiply with tensor cores of GPUs that WebGPU drives, where they are right: an experiment',
  ),
  price: maybe('node', 'Price per hour for the whole offer, e.g. 1.25', 'PRICE', price),
  exclusivePrice: maybe(
    'node',
    'Price per hour for the whole offer while its GPUs prove nothing and so earn nothing',
    'PRICE',
    price,
  ),
  allowRenter: list(
    'node',
    'PeerId that may rent here; nobody else then, or anyone',
    'PEER',
    peerOr('anyone'),
    [],
    { defaultText: 'anyone' },
  ),
  denyRenter: list(
    'node',
    'PeerId that may not rent here, or nobody',
    'PEER',
    peerOr('nobody'),
    [],
    {
      defaultText: 'nobody',
    },
  ),
  minLease: maybe('node', 'Shortest lease to host, or off', 'TIME', orOff(duration)),
  maxLease: maybe('node', 'Longest lease to host, or off', 'TIME', orOff(duration)),
  maxPerRenter: maybe(
    'node',
    'Leases that one renter may have here at once, or off',
    'N',
    orOff(whole(1, 1000)),
  ),
  maxWaiting: option(
    'node',
    'Requests that may wait for devices that are let; 0: no queue',
    'N',
    whole(0, 1000),
    MAX_WAITING,
  ),
  priceFloor: maybe(
    'node',
    'Lowest price per hour for the whole offer, or off',
    'PRICE',
    orOff(price),
  ),
  priceCeiling: maybe(
    'node',
    'Highest price per hour for the whole offer, or off',
    'PRICE',
    orOff(price),
  ),
  priceStep: maybe(
    'node',
    'Raise the price by so many percent when the devices were let, lower it when not, or off',
    'PERCENT',
    orOff(percent),
  ),
  priceWindow: option('node', 'Time over which that is looked at', 'TIME', duration, hoursMs(1), {
    defaultText: '1h',
  }),
  leaseMemoryBytes: maybe('node', 'Main memory a lease may use', 'SIZE', size, {
    flag: 'lease-memory',
    defaultText: '7/8, shared by the devices',
  }),
  credit: option(
    'node',
    'How much service a renter may leave uncountersigned before its lease is paused',
    'TIME',
    duration,
    minutesMs(2),
    { defaultText: '2m' },
  ),
  grace: option(
    'node',
    'How long such a lease stays paused, with its disk, before it is closed',
    'TIME',
    duration,
    minutesMs(15),
    { defaultText: '15m' },
  ),
  maxDailyCost: maybe(
    'node',
    'The most that leases may cost in a day (UTC), what running ones can still cost included',
    'AMOUNT',
    price,
  ),
  leaseDiskBytes: option('node', 'Disk a lease may use', 'SIZE', size, 20 * GiB, {
    flag: 'lease-disk',
    defaultText: '20GiB',
  }),
  volumeTotal: option(
    'node',
    'Disk for what renters keep beyond their leases, all together; 0B: none',
    'SIZE',
    size,
    100 * GiB,
    { defaultText: '100GiB' },
  ),
  volumeShare: option('node', 'The same for one renter', 'SIZE', size, 20 * GiB, {
    defaultText: '20GiB',
  }),
  volumeCount: option('node', 'How many volumes one renter may keep', 'N', whole(0, 64), 4),
  volumeTtl: option(
    'node',
    'How long a volume is kept after its last lease',
    'TIME',
    duration,
    hoursMs(24 * 7),
    { defaultText: '7d' },
  ),
  maxSnapshot: option(
    'node',
    'Largest snapshot that a renter may take; 0B: none',
    'SIZE',
    size,
    64 * GiB,
    { defaultText: '64GiB' },
  ),
  runtime: maybe(
    'node',
    'What Docker runs leases with, e.g. runsc or sysbox-runc (default: runc)',
    'NAME',
    word,
  ),
  unfenced: flag(
    'node',
    'Host leases although no firewall keeps them from this machine and its networks',
  ),
  allowImages: list(
    'node',
    'Image that leases may run, e.g. docker.io/pytorch/*; all when none is given',
    'PATTERN',
    text,
    [],
    { flag: 'allow-image' },
  ),
  denyImages: list('node', 'Image that leases may not run', 'PATTERN', text, [], {
    flag: 'deny-image',
  }),
  maxImageBytes: option('node', 'Largest image that is pulled', 'SIZE', size, 40 * GiB, {
    flag: 'max-image',
    defaultText: '40GiB',
  }),
  maxTemp: maybe(
    'node',
    'Pause a GPU that is hotter than this, in °C, or off',
    'C',
    orOff(whole(30, 120)),
  ),
  maxPower: maybe(
    'node',
    'Keep each GPU below this power, in watts, or off',
    'W',
    orOff(whole(1, 10_000)),
  ),
  maxLoad: maybe(
    'node',
    'Pause a GPU that is busy for more of the time, in percent, or off',
    'PERCENT',
    orOff(whole(1, 100)),
  ),
  workHours: list(
    'node',
    'When to work, in local time, e.g. 22:00-06:00 or "sat-sun"',
    'HOURS',
    hours,
    [],
    { defaultText: 'always' },
  ),
  pauseWhenUsed: flag('node', 'Pause while somebody else uses this machine or its GPUs'),
  sampling: maybe(
    'node',
    'Share of openings to check without being drawn, 0 to 1 (default: 1)',
    'SHARE',
    share,
  ),
  drand: list(
    'node',
    'Server of the public beacon to ask; empty: none',
    'URL',
    httpUrl,
    DRAND_URLS,
    { defaultText: 'the public ones' },
  ),
  apiPort: maybe(
    'node',
    'Serve the control API on this port of 127.0.0.1 too (0 picks one)',
    'N',
    port,
  ),

  // Commands
  order: maybe('command', 'Fields to order by; - in front is descending', 'FIELDS', text, {
    short: 'o',
  }),
  image: maybe('command', 'Container image to run', 'IMAGE', image),
  registryAuth: maybe(
    'command',
    'Login at the registry of the image: a file, - for standard input, or docker for what docker login kept',
    'SOURCE',
    text,
  ),
  hours: option('command', 'How long to rent, or how much longer, in hours', 'H', leaseHours, 1),
  template: maybe(
    'command',
    'Template to rent as: a name of compute-node templates, or a JSON file',
    'NAME|FILE',
    text,
  ),
  maxDph: maybe('command', 'Highest price per hour to accept', 'PRICE', price),
  wait: maybe(
    'command',
    'Wait in a miner’s queue when nothing is free, so long at most (--wait alone: 24h)',
    'TIME',
    duration,
    { bare: '24h' },
  ),
  maxCost: maybe('command', 'The most that the lease may cost in all', 'AMOUNT', price),
  exclusive: flag(
    'command',
    'Rent GPUs that prove nothing meanwhile, at the offer’s price for that',
  ),
  prepaid: option(
    'command',
    'How far to sign in advance, so that this machine may be away that long; 0s: not at all',
    'TIME',
    duration,
    hoursMs(1),
    { defaultText: '1h' },
  ),
  authorize: list('command', 'PeerId that may enter the lease too', 'PEER', peer),
  jupyter: flag('command', 'Start Jupyter in the lease and show it on this machine until Ctrl-C'),
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
  tag: maybe('command', 'Name of the image in the file (default: cn-LEASE:latest)', 'NAME', text),
  pause: flag('command', 'Let everything in the lease go on while its image is made', true),
  maxSize: maybe('command', 'Refuse what is larger', 'SIZE', size),
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
  out: maybe('command', 'File to write to', 'FILE', text, { isPath: true }),
  export: maybe('command', 'File to write the whole evidence to', 'FILE', text, { isPath: true }),
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
  yes: flag('command', 'Do not ask before spending, or changing what is not ours', false, {
    short: 'y',
  }),
  write: flag('command', 'Keep it in a file that the configuration of ssh includes'),
  stake: list(
    'command',
    'TAO that shall be staked on the hotkey; in a simulation UID=ALPHA, what counts for a uid',
    'TAO',
    stakeOf,
  ),
  file: maybe('command', 'Saved scenario to read instead of the chain', 'FILE', text, {
    isPath: true,
  }),
  epochs: option('command', 'How many epochs, one after another', 'N', whole(1, 1000), 1),
  setWeights: list(
    'command',
    "One validator's weight for one uid, of 65535",
    'UID:UID=N',
    weightOf,
    [],
    {
      flag: 'set-weight',
    },
  ),
  kappa: maybe('command', 'Share of stake that must support a weight', 'SHARE', share),
  yuma: maybe(
    'command',
    'Kind of Yuma, if not the one that the subnet chose',
    'N',
    oneOf('2', '3'),
  ),
  emission: maybe('command', 'Alpha that an epoch shares out', 'ALPHA', price),
  cabal: maybe('command', 'Validators that give all to one miner', 'UID+UID:UID', cabalOf),
  copier: maybe('command', "Validator that copies the others' consensus", 'UID', whole(0, 65_535)),
  commitReveal: maybe(
    'command',
    "Epochs that weights stay hidden, 0 for not (default: as the subnet's)",
    'N',
    whole(0, 100),
  ),
  drift: maybe(
    'command',
    'How far what miners are worth moves in an epoch, in percent',
    'N',
    percent,
  ),
  replace: flag('command', 'Bind only what is named now, whoever else the hotkey bound'),
  csv: flag('command', 'Print comma-separated values'),
  coldkey: flag('command', 'The coldkey of the wallet, instead of its hotkey'),
  noPassword: flag('command', 'Leave the key readable to whoever reads its file'),
  keyType: option(
    'command',
    'Signature scheme of the key; btcli reads sr25519 alone',
    'TYPE',
    oneOf('sr25519', 'ed25519'),
    'sr25519',
  ),
  spec: option('command', 'Runtime version to speak', 'N', oneOf('218', '424'), '424'),
} as const satisfies Readonly<Record<string, Option<unknown>>>

export type OptionKey = keyof typeof options

/** All options by key, for code that treats them alike. */
export const optionTable: ReadonlyMap<OptionKey, Option<unknown>> = new Map(
  Object.entries(options) as [OptionKey, Option<unknown>][],
)

const kebab = (key: string): string => key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

/** The flag of an option without its dashes, e.g. `data-dir` or `wallet.name`. */
export const flagName = (key: OptionKey): string => optionTable.get(key)!.flag ?? kebab(key)

/** The environment variable of an option, e.g. `COMPUTE_NODE_DATA_DIR`. */
export const envName = (key: OptionKey): string =>
  `COMPUTE_NODE_${flagName(key).replace(/[.-]/g, '_').toUpperCase()}`

/** An option's flag, of a switch that is on the one that turns it off: `--order`, `--no-color`. */
export function flagText(key: OptionKey): string {
  const { isSwitch, default: fallback } = optionTable.get(key)!
  return `--${isSwitch === true && fallback === true ? 'no-' : ''}${flagName(key)}`
}

/** Whether a value stands behind an option as the next word. */
export function isValued(key: OptionKey): boolean {
  const { isSwitch, bare } = optionTable.get(key)!
  return isSwitch !== true && bare === undefined
}
