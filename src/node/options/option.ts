import { expected, type Parse } from './parse/parse.ts'

/** Where an option belongs in help: `node` options matter to `--role`, `command` options to commands that list them. */
export type OptionScope = 'global' | 'network' | 'node' | 'command'

/** One option of the command line, the environment and the configuration file. */
export interface Option<T> {
  readonly scope: OptionScope
  readonly describe: string
  /** Shown in help after the flag, e.g. `FILE`; absent on switches. */
  readonly placeholder?: string
  /** The flag's name where it is not the key in kebab-case. */
  readonly flag?: string
  /** One letter. */
  readonly short?: string
  readonly isSwitch?: boolean
  /** What it means without a value, which then stands only behind `=`: `--wait`, `--wait=10m`. */
  readonly bare?: string
  readonly isList?: boolean
  /** Relative paths are resolved against the working folder, or the folder of the file that names them. */
  readonly isPath?: boolean
  /** Values of the file may be objects: `parse` gets each as JSON. */
  readonly isJson?: boolean
  readonly default: T
  /** The default as a person writes it, where `String` would not. */
  readonly defaultText?: string
  /**
   * From every occurrence as written, in order, to the value; throws BAD_CONFIG saying what was expected. `absolute`
   * resolves a path in it as `isPath` says.
   */
  parse(raws: readonly string[], absolute: Parse<string>): T
}

type Extras = Pick<Option<unknown>, 'flag' | 'short' | 'isPath' | 'defaultText' | 'bare'>

/** An option with a value; the last one given counts. */
export const option = <T>(
  scope: OptionScope,
  describe: string,
  placeholder: string,
  parse: Parse<T>,
  fallback: T,
  extras: Extras = {},
): Option<T> => ({
  scope,
  describe,
  placeholder,
  default: fallback,
  parse: (raws) => parse(raws.at(-1)!),
  ...extras,
})

/** An option that may be absent. */
export const maybe = <T>(
  scope: OptionScope,
  describe: string,
  placeholder: string,
  parse: Parse<T>,
  extras: Extras = {},
): Option<T | undefined> =>
  option<T | undefined>(scope, describe, placeholder, parse, undefined, extras)

/** An option that may be repeated or hold several values separated by commas. */
export const list = <T>(
  scope: OptionScope,
  describe: string,
  placeholder: string,
  parse: Parse<T>,
  fallback: readonly T[] = [],
  extras: Extras = {},
): Option<readonly T[]> => ({
  scope,
  describe,
  placeholder,
  isList: true,
  default: fallback,
  parse: (raws) =>
    raws.flatMap((raw) =>
      raw
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
        .map(parse),
    ),
  ...extras,
})

const truth: Parse<boolean> = (raw) => {
  if (/^(true|1|yes|on)$/i.test(raw)) return true
  if (/^(false|0|no|off|)$/i.test(raw)) return false
  throw expected('true or false', raw)
}

/** An option without a value; `--no-…` turns it off. */
export const flag = (
  scope: OptionScope,
  describe: string,
  fallback = false,
  extras: Extras = {},
): Option<boolean> => ({
  scope,
  describe,
  isSwitch: true,
  default: fallback,
  parse: (raws) => truth(raws.at(-1)!),
  ...extras,
})

/** An option that may be repeated, each time `NAME=VALUE`; a value may hold commas. */
export const pairs = (
  scope: OptionScope,
  describe: string,
  placeholder: string,
  name = /^[A-Za-z_][A-Za-z0-9_]*$/,
): Option<Readonly<Record<string, string>>> => ({
  scope,
  describe,
  placeholder,
  isList: true,
  default: {},
  defaultText: '',
  parse: (raws) =>
    Object.fromEntries(
      raws.map((raw) => {
        const [, key, value] = /^([^=]+)=(.*)$/s.exec(raw) ?? []
        if (key === undefined || value === undefined || !name.test(key)) {
          throw expected('NAME=VALUE', raw)
        }
        return [key, value]
      }),
    ),
})
