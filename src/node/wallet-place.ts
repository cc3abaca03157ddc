import type { WalletPlace } from '../chain/wallet.ts'
import type { Config } from './config.ts'

/** Where the configured wallet's files lie. */
export const walletPlace = ({ walletPath, walletName, walletHotkey }: Config): WalletPlace => ({
  path: walletPath,
  name: walletName,
  hotkey: walletHotkey,
})
