import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { NodeError } from '../errors.ts'

/** Where the passwords of key files come from when the environment holds none. */
export interface Passwords {
  /** The password of an encrypted file; may ask a person. */
  ask(path: string): Promise<string>
  /** Told before the seconds that a password takes to be worked on. */
  working?(path: string): void
}

/** btcli's variable for a file's password: `BT_PW_`, then the absolute path in capitals, `/` and `.` as `_`. */
export const passwordVariable = (path: string): string =>
  `BT_PW_${resolve(path).replace(/[/.]/g, '_').toUpperCase()}`

/** Bytes XORed with the variable's name, over and over: what btcli does so that nobody reads it by chance. */
const veil = (bytes: Uint8Array, name: string): Buffer => {
  const mask = Buffer.from(name, 'utf8')
  return Buffer.from(bytes.map((byte, i) => byte ^ mask[i % mask.length]!))
}

/** What a variable must hold for this password: base64 of the veiled bytes. */
export const veiledPassword = (name: string, password: string): string =>
  veil(Buffer.from(password, 'utf8'), name).toString('base64')

/**
 * The password of a file that the environment holds, or as plain text the service manager's credential of the variable's
 * name (systemd.exec(5), CREDENTIALS); undefined without one.
 */
export function passwordFromEnvironment(
  path: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const name = passwordVariable(path)
  const value = env[name]
  if (value !== undefined && value !== '') {
    return veil(Buffer.from(value, 'base64'), name).toString('utf8')
  }
  const credential = join(env['CREDENTIALS_DIRECTORY'] ?? '', name)
  if (env['CREDENTIALS_DIRECTORY'] === undefined || !existsSync(credential)) return undefined
  return readFileSync(credential, 'utf8').replace(/\r?\n$/, '')
}

/** The password of a file, from the environment or else from whoever is asked. */
export async function passwordOf(path: string, passwords?: Passwords): Promise<string> {
  const known = passwordFromEnvironment(path) ?? (await passwords?.ask(path))
  if (known === undefined) throw passwordMissing(path)
  passwords?.working?.(path)
  return known
}

/** Nobody is there to ask for a password. */
export const passwordMissing = (path: string): NodeError =>
  new NodeError('BAD_CONFIG_WALLET', `${path} is under a password, and nobody is here to ask`, {
    next: `run it at a terminal, or set ${passwordVariable(path)} as btcli does (docs/chain.md)`,
  })
