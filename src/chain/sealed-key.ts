import { argon2, randomBytes } from 'node:crypto'
import { messageOf, NodeError } from '../errors.ts'
import { secretBox } from './polkadot.ts'

/*
 * A key file under a password, as btcli writes it: `$NACL` ‖ nonce (24 B) ‖ XSalsa20-Poly1305 of its JSON. The key is
 * Argon2i 1.3 of the password with libsodium's SENSITIVE costs and a salt that is the same for everybody, so a
 * password protects only as far as nobody guesses it.
 */

const MARK = Buffer.from('$NACL')
const NONCE_BYTES = 24
const SALT = Buffer.from('137183dff15a09bc9c90b5518739e9b1', 'hex')
/** libsodium's OPSLIMIT_SENSITIVE and MEMLIMIT_SENSITIVE for argon2i: seconds of work and 512 MiB. */
const COSTS = { passes: 8, memory: 512 * 1024, parallelism: 1, tagLength: 32 }

/** Whether the bytes of a key file are under a password, in the present format. */
export const isSealed = (file: Uint8Array): boolean =>
  MARK.equals(file.subarray(0, MARK.length)) && file.length > MARK.length + NONCE_BYTES

/**
 * The 32-byte key of a password: 7 s and 512 MiB of work, in a thread of libuv's pool, so the event loop goes on.
 * @throws BAD_CONFIG_WALLET where that memory is not to be had
 */
export function deriveSealKey(password: string): Promise<Uint8Array> {
  const message = Buffer.from(password, 'utf8')
  return new Promise((resolve, reject) => {
    argon2('argon2i', { ...COSTS, message, nonce: SALT }, (cause, key) => {
      message.fill(0)
      if (cause === null) resolve(new Uint8Array(key))
      else reject(noRoom(cause))
    })
  })
}

const noRoom = (cause: Error): NodeError =>
  new NodeError('BAD_CONFIG_WALLET', `cannot work on the password: ${messageOf(cause)}`, {
    cause,
    next: 'that work needs 512 MiB of free memory',
  })

/** The bytes of a file that only this key opens. */
export function seal(plaintext: Uint8Array, key: Uint8Array): Buffer {
  const { encrypted, nonce } = secretBox().naclEncrypt(plaintext, key, randomBytes(NONCE_BYTES))
  return Buffer.concat([MARK, nonce, encrypted])
}

/** What `seal` was given; undefined when the key is another one, or a byte was changed. */
export function unseal(file: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const nonce = file.subarray(MARK.length, MARK.length + NONCE_BYTES)
  const sealed = file.subarray(MARK.length + NONCE_BYTES)
  return secretBox().naclDecrypt(sealed, nonce, key) ?? undefined
}
