import { text } from 'node:stream/consumers'
import { changePassword, type KeyRole, keyPath } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { createOutput } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import { askingPasswords, askTwice, checkPassword } from './ask-password.ts'
import type { CommandContext, Run } from './command.ts'
import type { WalletKey } from './wallet-import.ts'

/** Puts a key of the wallet under another password, or with --no-password under none. */
export const walletChangePassword: Run = async (context) => {
  const { config, terminal, args } = context
  const place = walletPlace(config)
  const role = roleOf(args[0] ?? 'coldkey')
  const path = keyPath(place, role)
  const next = async (): Promise<string | undefined> =>
    config.noPassword ? undefined : checkPassword(await nextPassword(context, path))
  const { address, type } = await changePassword(place, role, askingPasswords(context), next)
  const encrypted = !config.noPassword
  const made: WalletKey = { name: place.name, key: role, address, keyType: type, encrypted }
  const say = (): string => `${path} is ${encrypted ? 'under the new' : 'without a'} password`
  createOutput(terminal, config).value(made, say, address)
  return 0
}

function roleOf(word: string): KeyRole {
  if (word === 'coldkey' || word === 'hotkey') return word
  throw new NodeError('BAD_CONFIG_VALUE', `${JSON.stringify(word)} is neither coldkey nor hotkey`)
}

/** Typed twice at a terminal; the whole line of stdin elsewhere, for the environment holds the old one. */
async function nextPassword(context: CommandContext, path: string): Promise<string> {
  const { stdin } = context.terminal
  if (stdin.isTTY === true) return askTwice(context, path)
  return (await text(stdin as NodeJS.ReadStream)).replace(/\r?\n$/, '')
}
