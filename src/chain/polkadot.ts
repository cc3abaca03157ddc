import { createRequire } from 'node:module'

/**
 * @polkadot packages, loaded when first asked for and as CommonJS: the same code imported as ES modules costs twice the
 * memory (measured on Node 24: 323 instead of 159 MiB RSS) and two to three times the time.
 */
const load = createRequire(import.meta.url)

export const polkadotApi = (): typeof import('@polkadot/api') => load('@polkadot/api')

export const polkadotTypes = (): typeof import('@polkadot/types') => load('@polkadot/types')

/** Word lists and their checksums, without the rest of the crypto package. */
export const mnemonicWords = (): typeof import('@polkadot/util-crypto/mnemonic/bip39') =>
  load('@polkadot/util-crypto/mnemonic/bip39')

/** XSalsa20-Poly1305, as btcli's password-protected keys are sealed. */
export const secretBox = (): typeof import('@polkadot/util-crypto/nacl') =>
  load('@polkadot/util-crypto/nacl')
