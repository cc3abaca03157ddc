import type { WalletRow } from '../api/machine.ts'
import { describeKey, type KeyRole, keyPath, listWallets } from '../chain/wallet.ts'

/** The keys of every wallet in a folder, as their files tell them; asks for no password. */
export const walletRows = async (path: string): Promise<WalletRow[]> =>
  Promise.all(
    (await listWallets(path)).flatMap(({ name, hasColdkey, hotkeys }) => [
      ...(hasColdkey ? [rowOf(path, name, 'coldkey', null)] : []),
      ...hotkeys.map((hotkey) => rowOf(path, name, 'hotkey', hotkey)),
    ]),
  )

const rowOf = async (
  path: string,
  name: string,
  key: KeyRole,
  hotkey: string | null,
): Promise<WalletRow> => ({
  name,
  key,
  hotkey,
  ...(await describeKey(keyPath({ path, name, hotkey: hotkey ?? 'default' }, key))),
})
