import { createWallet } from '../../chain/wallet.ts'
import { createOutput } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import type { Run } from './command.ts'

/** Creates the wallet's hotkey, and its coldkey where it has none; the secret words stay in their files. */
export const walletCreate: Run = async ({ config, terminal }) => {
  const place = walletPlace(config)
  const { coldkey, hotkey } = await createWallet(place, config.keyType)
  const { address, type } = hotkey
  const made = { name: place.name, hotkey: address, coldkey: coldkey.address, keyType: type }
  const out = createOutput(terminal, config)
  out.value(
    made,
    () =>
      [
        `wallet ${place.name} in ${place.path}`,
        `  hotkey     ${address} (${place.hotkey}, ${type})`,
        `  coldkey    ${made.coldkey}`,
      ].join('\n'),
    address,
  )
  out.note('Its files hold the secret words unencrypted: back them up, and keep little on it.')
  return 0
}
