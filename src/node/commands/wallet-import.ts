import { text } from 'node:stream/consumers'
import type { KeyType } from '../../chain/keys.ts'
import { importKey, type KeyRole, keyPath } from '../../chain/wallet.ts'
import { exists, taken } from '../../chain/write-key.ts'
import { NodeError } from '../../errors.ts'
import { createOutput } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import { newPassword } from './ask-password.ts'
import type { Run, Terminal } from './command.ts'
import { readHidden } from './read-hidden.ts'

/** What `wallet import --json` and `wallet change-password --json` print. */
export interface WalletKey {
  readonly name: string
  readonly key: KeyRole
  readonly address: string
  readonly keyType: KeyType
  readonly encrypted: boolean
}

/** Writes a key from its secret words or seed, which come on stdin: never in arguments, where others could read them. */
export const walletImport: Run = async (context) => {
  const { config, terminal, signal } = context
  const place = walletPlace(config)
  const role = config.coldkey ? 'coldkey' : 'hotkey'
  const path = keyPath(place, role)
  if (await exists(path)) throw taken(path)
  const secret = await readSecret(terminal, signal)
  if (secret === '') {
    throw new NodeError('BAD_CONFIG_WALLET', 'no words came on stdin', {
      next: 'compute-node wallet import < words.txt',
    })
  }
  const password = role === 'coldkey' ? await newPassword(context, path) : undefined
  const key = await importKey(place, role, secret, { type: config.keyType, password })
  const { address, type } = key
  const encrypted = password !== undefined
  const made: WalletKey = { name: place.name, key: role, address, keyType: type, encrypted }
  const say = (): string => `${role} ${address} in wallet ${place.name}, ${path}`
  createOutput(terminal, config).value(made, say, address)
  return 0
}

/** One unseen line at a terminal, everything from a pipe. */
async function readSecret(terminal: Terminal, signal: AbortSignal): Promise<string> {
  const { stdin } = terminal
  if (stdin.isTTY !== true) return (await text(stdin as NodeJS.ReadStream)).trim()
  return (await readHidden(terminal, 'Secret words or seed (not shown): ', signal)).trim()
}
