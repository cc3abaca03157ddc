import type { KeyType } from '../../chain/keys.ts'
import { loadColdkey, loadHotkey } from '../../chain/wallet.ts'
import { createOutput } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import { askingPasswords } from './ask-password.ts'
import type { Run } from './command.ts'
import { signedText } from './signed-text.ts'

/** What `wallet sign --json` prints. */
export interface SignResult {
  readonly address: string
  readonly keyType: KeyType
  /** 64 B in hex, without 0x. */
  readonly signature: string
}

/** Signs a text with the wallet's hotkey or coldkey: its bytes alone, nothing before or after them. */
export const walletSign: Run = async (context) => {
  const { config, terminal, args } = context
  const bytes = await signedText(args[0], terminal)
  const load = config.coldkey ? loadColdkey : loadHotkey
  const key = await load(walletPlace(config), askingPasswords(context))
  const signature = Buffer.from(key.sign(bytes)).toString('hex')
  const result: SignResult = { address: key.address, keyType: key.type, signature }
  const out = createOutput(terminal, config)
  out.value(result, () => signature, signature)
  out.note(`signed by ${key.address}`)
  return 0
}
