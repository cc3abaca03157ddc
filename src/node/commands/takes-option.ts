import { type OptionKey, optionTable } from '../options.ts'
import type { Command } from './command.ts'

/** Whether a command reads an option. */
export function takesOption(command: Command, key: OptionKey): boolean {
  const { scope } = optionTable.get(key)!
  if (scope === 'global' || scope === 'network') return true
  if (scope === 'node' && command.options.includes('node')) return true
  return command.options.includes(key)
}
