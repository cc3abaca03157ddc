import { z } from 'zod'
import { address, listOf } from '../../api/common.ts'
import { keyType, walletRow } from '../../api/machine.ts'
import type { WalletKey } from '../commands/wallet-import.ts'
import type { SignResult } from '../commands/wallet-sign.ts'
import type { VerifyResult } from '../commands/wallet-verify.ts'
import type { Outputs } from './output.ts'

const walletKey: z.ZodType<WalletKey> = z.strictObject({
  name: z.string(),
  key: z.enum(['coldkey', 'hotkey']),
  address,
  keyType,
  encrypted: z.boolean(),
})

const signed: z.ZodType<SignResult> = z.strictObject({
  address,
  keyType,
  signature: z.string().describe('hex, 64 bytes'),
})

const verified: z.ZodType<VerifyResult> = z.strictObject({
  address,
  valid: z.boolean(),
  keyType: keyType.nullable().describe('the scheme by which it is valid'),
})

/** What `wallet` prints. */
export const walletOutputs: Outputs = {
  'wallet create': {
    describe: 'the keys',
    schema: z.strictObject({
      name: z.string(),
      hotkey: address,
      coldkey: address.nullable().describe('null when its files do not tell'),
      keyType,
    }),
  },
  'wallet list': { describe: 'a list', schema: listOf(walletRow) },
  'wallet import': { describe: 'the key', schema: walletKey },
  'wallet sign': { describe: 'the signature', schema: signed },
  'wallet verify': { describe: 'what was found', schema: verified },
  'wallet change-password': { describe: 'the key', schema: walletKey },
}
