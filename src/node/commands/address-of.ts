import { decodeAddress } from '../../chain/ss58.ts'
import { messageOf, NodeError } from '../../errors.ts'

/** An SS58 address as a person gave it, checked; BAD_CONFIG_VALUE on a typo. */
export function addressOf(text: string): string {
  publicKeyOf(text)
  return text
}

/** The 32 bytes of such an address. */
export function publicKeyOf(text: string): Uint8Array {
  try {
    return decodeAddress(text)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_VALUE', messageOf(cause), {
      cause,
      next: 'copy the address again; it starts with 5 and has 48 characters',
    })
  }
}
