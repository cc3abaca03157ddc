import { NodeError } from '../errors.ts'
import type { RegistryCredentials } from './engine.ts'

/** A login at an image registry, as engines take it: a name with a password or token, or an identity token. */
export interface RegistryLogin {
  readonly username?: string
  readonly password?: string
  readonly identitytoken?: string
}

/** At most this many bytes of credentials: tokens of clouds have up to 3 KiB. */
export const MAX_CREDENTIALS_BYTES = 8192

/** Reads credentials; the error says nothing of what they hold. BAD_MESSAGE */
export function readCredentials(bytes: RegistryCredentials): RegistryLogin {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    value = undefined // the parser's own words would quote a password
  }
  const login = (typeof value === 'object' && value !== null ? value : {}) as RegistryLogin
  const { username, password, identitytoken } = login
  const texts = [username, password, identitytoken].filter((one) => one !== undefined)
  const whole = identitytoken !== undefined || (username !== undefined && password !== undefined)
  if (!whole || !texts.every((one) => typeof one === 'string')) {
    throw new NodeError('BAD_MESSAGE', 'the registry credentials are not a login')
  }
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(identitytoken === undefined ? {} : { identitytoken }),
  }
}

/** Overwrites credentials that are not needed any more. */
export const wipe = (bytes: RegistryCredentials | undefined): void => void bytes?.fill(0)
