import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { messageOf, NodeError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import type { Option } from './options/option.ts'
import { envName, flagName, type OptionKey, type options, optionTable } from './options.ts'

type ValueOf<O> = O extends Option<infer T> ? T : never
type Values = { [K in OptionKey]: ValueOf<(typeof options)[K]> }
type MaybeKey = { [K in OptionKey]: undefined extends Values[K] ? K : never }[OptionKey]

/** Everything that can be configured, judged and typed; made from the option table. */
export type Config = { readonly [K in Exclude<OptionKey, MaybeKey>]: Values[K] } & {
  readonly [K in MaybeKey]?: Exclude<Values[K], undefined>
}

/** What a person may choose: flags win over the environment, over the file, over defaults. */
export interface ConfigSources {
  readonly flags?: ReadonlyMap<OptionKey, readonly string[]>
  readonly env?: NodeJS.ProcessEnv
  /** Whose help tells the options; the program's without. */
  readonly command?: string
  /** Where relative paths of flags and environment start. */
  readonly cwd?: string
}

type Raws = ReadonlyMap<OptionKey, RawValue>
interface RawValue {
  readonly raws: readonly string[]
  /** Who said so, for the error: `--netuid`, `COMPUTE_NODE_NETUID`, `file.json: netuid`. */
  readonly origin: string
  readonly folder: string
}

/**
 * Reads every source and judges each value.
 * @throws BAD_CONFIG_VALUE, BAD_CONFIG_FILE, BAD_CONFIG_OPTION: one line that says where the mistake stands
 */
export function loadConfig(sources: ConfigSources): Config {
  const { flags, env = {}, command = '', cwd = process.cwd() } = sources
  const help = `compute-node ${command} --help`.replace('  ', ' ')
  const said = new Map([...fromEnv(env, cwd), ...fromFlags(flags ?? new Map(), cwd)])
  return judge(new Map([...fromFile(configFile(said)), ...said]), help)
}

/** The defaults, with changes: for tests and for nodes made by code. */
export const configWith = (changes: Partial<Config> = {}): Config => ({
  ...judge(new Map()),
  ...changes,
})

function judge(said: Raws, help?: string): Config {
  const entries = [...optionTable].map(([key, option]) => [
    key,
    judgeOne(option, said.get(key), help),
  ])
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Config
}

function judgeOne(
  option: Option<unknown>,
  said: RawValue | undefined,
  help = 'compute-node --help',
): unknown {
  if (said === undefined) return option.default
  try {
    const absolute = (path: string): string => resolve(said.folder, expandHome(path))
    const value = option.parse(said.raws, absolute)
    return option.isPath === true ? absolute(value as string) : value
  } catch (cause) {
    // A command that reads a node's file or environment has not its options in its own help.
    const isOfNode = option.scope === 'node' && !said.origin.startsWith('--')
    throw new NodeError('BAD_CONFIG_VALUE', `${said.origin}: ${messageOf(cause)}`, {
      cause,
      next: `${isOfNode ? 'compute-node --help' : help}: ${option.describe}`,
    })
  }
}

const expandHome = (path: string): string =>
  path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path

const fromFlags = (
  flags: ReadonlyMap<OptionKey, readonly string[]>,
  folder: string,
): [OptionKey, RawValue][] =>
  [...flags].map(([key, raws]) => [key, { raws, origin: `--${flagName(key)}`, folder }])

function fromEnv(env: NodeJS.ProcessEnv, folder: string): [OptionKey, RawValue][] {
  return [...optionTable.keys()].flatMap((key): [OptionKey, RawValue][] => {
    const raw = env[envName(key)]
    return raw === undefined ? [] : [[key, { raws: [raw], origin: envName(key), folder }]]
  })
}

/** The file to read: the one named, which must exist, or config.json of the data folder, which may. */
function configFile(said: Raws): { path: string; required: boolean } {
  const named = said.get('config')
  if (named !== undefined) {
    return { path: judgeOne(optionTable.get('config')!, named) as string, required: true }
  }
  const folder = judgeOne(optionTable.get('dataDir')!, said.get('dataDir')) as string
  return { path: join(folder, 'config.json'), required: false }
}

/** Options that a file cannot hold: they choose the file, or one run of a command. */
const notInFiles: ReadonlySet<OptionKey> = new Set(['config', 'help', 'version'])

function fromFile({
  path,
  required,
}: {
  path: string
  required: boolean
}): [OptionKey, RawValue][] {
  const text = readConfigFile(path, required)
  if (text === undefined) return []
  return Object.entries(parseObject(path, text)).map(([key, value]) => {
    const option = optionTable.get(key as OptionKey)
    if (option === undefined || notInFiles.has(key as OptionKey)) throw unknownKey(path, key)
    const origin = `${path}: ${key}`
    return [
      key as OptionKey,
      { raws: rawsOf(origin, option, value), origin, folder: dirname(path) },
    ]
  })
}

function readConfigFile(path: string, required: boolean): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if (!required && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new NodeError('BAD_CONFIG_FILE', `cannot read ${path}: ${reasonOf(cause)}`, {
      cause,
      next: 'check the path and that this user may read it',
    })
  }
}

function parseObject(path: string, text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FILE', `${path} is no JSON: ${messageOf(cause)}`, {
      cause,
      next: 'correct the file; config/ has examples',
    })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new NodeError('BAD_CONFIG_FILE', `${path} must hold one JSON object of options`)
}

function rawsOf(origin: string, option: Option<unknown>, value: unknown): readonly string[] {
  const items = Array.isArray(value) && option.isList === true ? value : [value]
  if (option.isJson === true) return items.map((item) => JSON.stringify(item))
  if (items.every((item) => ['string', 'number', 'boolean'].includes(typeof item))) {
    return items.map(String)
  }
  const wanted = option.isList === true ? 'a list of texts' : 'a text, number or true/false'
  throw new NodeError('BAD_CONFIG_VALUE', `${origin}: expected ${wanted}`)
}

function unknownKey(path: string, key: string): NodeError {
  const near = nearest(
    key,
    [...optionTable.keys()].filter((known) => !notInFiles.has(known)),
  )
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  return new NodeError('BAD_CONFIG_OPTION', `${path} has an unknown key "${key}"${hint}`, {
    next: 'docs/cli.md lists the keys',
  })
}

/** A system error in words a person expects. */
export function reasonOf(error: unknown): string {
  const words: Readonly<Record<string, string>> = {
    ENOENT: 'it does not exist',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of the path is no folder',
    EROFS: 'the disk is read-only',
    ENOSPC: 'the disk is full',
  }
  return words[(error as NodeJS.ErrnoException)?.code ?? ''] ?? messageOf(error)
}
