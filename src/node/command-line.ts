import { parseArgs } from 'node:util'
import { NodeError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { flagName, type OptionKey, optionTable } from './options.ts'

/** What stood on a command line, not yet judged by value. */
export interface CommandLine {
  /** Every occurrence of an option as written; switches are `true` or `false`. */
  readonly flags: ReadonlyMap<OptionKey, readonly string[]>
  /** Words that are no options: the command and its arguments. */
  readonly words: readonly string[]
  /** What stands after the first `--`, untouched; undefined without one. */
  readonly rest: readonly string[] | undefined
}

const keyOfFlag = new Map([...optionTable.keys()].map((key) => [flagName(key), key]))

const parserOptions = Object.fromEntries(
  [...optionTable].map(([key, { isSwitch, bare, short }]) => [
    flagName(key),
    {
      type: isSwitch === true || bare !== undefined ? ('boolean' as const) : ('string' as const),
      multiple: true as const,
      ...(short === undefined ? {} : { short }),
    },
  ]),
)

/** The next step for whom an option of a line of words was wrong: where they are listed, or what goes behind `--`. */
export type OptionAdvice = (words: readonly string[]) => string

/** Splits a command line by the option table; throws BAD_CONFIG_OPTION naming the nearest option and the next step. */
export function parseCommandLine(
  argv: readonly string[],
  adviceOf: OptionAdvice = () => 'compute-node --help lists the options',
): CommandLine {
  const end = argv.indexOf('--')
  const args = end < 0 ? [...argv] : argv.slice(0, end)
  const { tokens } = parseArgs({
    args,
    options: parserOptions,
    allowPositionals: true,
    allowNegative: true,
    strict: false, // its own errors name no nearest option
    tokens: true,
  })
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []))
  const bad = (message: string): NodeError =>
    new NodeError('BAD_CONFIG_OPTION', message, { next: adviceOf(words) })
  const flags = new Map<OptionKey, string[]>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const [key, raw] = readFlag(token, bad)
    flags.set(key, [...(flags.get(key) ?? []), raw])
  }
  return { flags, words, rest: end < 0 ? undefined : argv.slice(end + 1) }
}

type Bad = (message: string) => NodeError

function readFlag(
  { rawName: written, name, value }: { rawName: string; name: string; value?: string | undefined },
  bad: Bad,
): [OptionKey, string] {
  const exact = keyOfFlag.get(written.slice('--'.length)) // `--no-password` is an option of its own
  const negated = exact === undefined && written.startsWith('--no-')
  const key = exact ?? keyOfFlag.get(negated ? written.slice('--no-'.length) : name)
  const known = key === undefined ? undefined : optionTable.get(key)
  if (key === undefined || known === undefined) throw unknownFlag(written, bad)
  if (known.isSwitch === true) {
    if (value !== undefined) throw bad(`${written} takes no value`)
    return [key, negated ? 'false' : 'true']
  }
  if (negated) throw unknownFlag(written, bad)
  if (known.bare !== undefined) return [key, value ?? known.bare]
  if (value === undefined || value.startsWith('--')) {
    throw bad(`${written} needs a value: ${written} ${known.placeholder}`)
  }
  return [key, value]
}

function unknownFlag(written: string, bad: Bad): NodeError {
  // A letter is near to every short name: it says nothing.
  const near = written.startsWith('--') ? nearest(written.slice(2), keyOfFlag.keys()) : undefined
  const hint = near === undefined ? '' : `; did you mean --${near}?`
  return bad(`there is no option ${written}${hint}`)
}
