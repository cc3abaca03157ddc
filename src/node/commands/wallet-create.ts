import { createWallet } from '../../chain/wallet.ts'
import { createOutput } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import { newPassword } from './ask-password.ts'
import type { Run } from './command.ts'

/** Creates the wallet's hotkey, and its coldkey where it has none; the secret words stay in their files. */
export const walletCreate: Run = async (context) => {
  const { config, terminal } = context
  const place = walletPlace(config)
  const { coldkey, hotkey, newColdkey } = await createWallet(place, config.keyType, (path) =>
    newPassword(context, path),
  )
  const { address, type } = hotkey
  const made = { name: place.name, hotkey: address, coldkey, keyType: type }
  const out = createOutput(terminal, config)
  out.value(
    made,
    () =>
      [
        `wallet ${place.name} in ${place.path}`,
        `  hotkey     ${address} (${place.hotkey}, ${type})`,
        `  coldkey    ${coldkey ?? 'not readable without its password'}`,
      ].join('\n'),
    address,
  )
  const open = newColdkey && config.noPassword ? 'Both files hold' : "The hotkey's file holds"
  out.note(`${open} the secret words unencrypted. Back up the wallet's folder.`)
  return 0
}
