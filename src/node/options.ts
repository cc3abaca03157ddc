import { commandOptions } from './options/command.ts'
import { globalOptions } from './options/global.ts'
import { networkOptions } from './options/network.ts'
import { nodeOptions } from './options/node.ts'
import type { Option } from './options/option.ts'

/**
 * Every option, declared once: flags, `COMPUTE_NODE_*`, the configuration file, `--help` and docs/cli.md read this
 * table. Which commands take a `command` option stands in commands/table/.
 */
export const options = {
  ...globalOptions,
  ...networkOptions,
  ...nodeOptions,
  ...commandOptions,
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
