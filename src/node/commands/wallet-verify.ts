import { fromHex } from '../../chain/hex.ts'
import { type KeyType, verifyHotkeySignature } from '../../chain/keys.ts'
import { NodeError } from '../../errors.ts'
import { createOutput } from '../output.ts'
import { publicKeyOf } from './address-of.ts'
import type { Run } from './command.ts'
import { signedText } from './signed-text.ts'

/** What `wallet verify --json` prints. */
export interface VerifyResult {
  readonly address: string
  readonly valid: boolean
  readonly keyType: KeyType | null
}

const SCHEMES = ['sr25519', 'ed25519'] as const

/** Says whether an address signed a text: an address does not tell its scheme, so both are tried. Exit 1 when not. */
export const walletVerify: Run = async ({ config, terminal, args }) => {
  const address = args[0]!
  const publicKey = publicKeyOf(address)
  const signature = fromHex(args[1], 64)
  if (signature?.length !== 64)
    throw new NodeError('BAD_CONFIG_VALUE', 'a signature has 64 bytes in hex')
  const bytes = await signedText(args[2], terminal)
  const keyType =
    SCHEMES.find((type) => verifyHotkeySignature(type, publicKey, bytes, signature)) ?? null
  const result: VerifyResult = { address, valid: keyType !== null, keyType }
  const say = (): string =>
    keyType === null ? `not signed by ${address}` : `signed by ${address} (${keyType})`
  createOutput(terminal, config).value(result, say)
  return result.valid ? 0 : 1
}
