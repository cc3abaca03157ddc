import {
  type Passwords,
  passwordFromEnvironment,
  passwordMissing,
  passwordVariable,
} from '../../chain/key-password.ts'
import { NodeError } from '../../errors.ts'
import { createOutput } from '../output.ts'
import type { CommandContext } from './command.ts'
import { readHidden } from './read-hidden.ts'

/** As btcli demands; what protects money should be much longer. */
const LEAST_LENGTH = 6

/** Asks the person at the terminal for passwords, unseen; elsewhere BAD_CONFIG_WALLET says which variable to set. */
export const askingPasswords = ({ config, terminal, signal }: CommandContext): Passwords => ({
  async ask(path) {
    if (terminal.stdin.isTTY !== true) throw passwordMissing(path)
    return readHidden(terminal, `Password of ${path}: `, signal)
  },
  working: (path) =>
    createOutput(terminal, config).progress(`Working on the password of ${path}, some seconds`),
})

/**
 * A password for a file that is to be written: none with --no-password, else from the environment, else asked for
 * twice.
 * @throws BAD_CONFIG_WALLET when it is too short, not the same twice, or nobody is there to ask
 */
export async function newPassword(
  context: CommandContext,
  path: string,
): Promise<string | undefined> {
  const { config, terminal } = context
  if (config.noPassword) return undefined
  const password = passwordFromEnvironment(path) ?? (await askTwice(context, path))
  checkPassword(password)
  createOutput(terminal, config).progress('Working on the password, some seconds')
  return password
}

/** The password itself, when it is long enough; else BAD_CONFIG_WALLET. */
export function checkPassword(password: string): string {
  if (password.length >= LEAST_LENGTH) return password
  throw new NodeError('BAD_CONFIG_WALLET', `a password has at least ${LEAST_LENGTH} characters`)
}

/** @throws BAD_CONFIG_WALLET */
export async function askTwice(
  { terminal, signal }: CommandContext,
  path: string,
): Promise<string> {
  if (terminal.stdin.isTTY !== true) {
    throw new NodeError(
      'BAD_CONFIG_WALLET',
      `${path} needs a password, and nobody is here to ask`,
      {
        next: `run it at a terminal, set ${passwordVariable(path)} as btcli does, or add --no-password`,
      },
    )
  }
  const first = await readHidden(terminal, `New password for ${path}: `, signal)
  const second = await readHidden(terminal, 'The same again: ', signal)
  if (first === second) return first
  throw new NodeError('BAD_CONFIG_WALLET', 'these were two passwords; nothing was written')
}
