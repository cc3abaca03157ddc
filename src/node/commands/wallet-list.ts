import {
  describeKey,
  type KeyDescription,
  type KeyRole,
  keyPath,
  listWallets,
} from '../../chain/wallet.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** One key as `wallet list --json` prints it; without an address when its files do not tell. */
export interface WalletRow extends KeyDescription {
  readonly name: string
  readonly key: KeyRole
  readonly hotkey: string | null
}

/** Lists the keys of every wallet; asks for no password. */
export const walletList: Run = async ({ config, terminal }) => {
  const path = config.walletPath
  const rows = await Promise.all(
    (await listWallets(path)).flatMap(({ name, hasColdkey, hotkeys }) => [
      ...(hasColdkey ? [rowOf(path, name, 'coldkey', null)] : []),
      ...hotkeys.map((hotkey) => rowOf(path, name, 'hotkey', hotkey)),
    ]),
  )
  createOutput(terminal, config).list(rows, {
    id: ({ address, name, key, hotkey }) => address ?? `${name}/${hotkey ?? key}`,
    none: `no wallets in ${path}`,
    columns: [
      { title: 'WALLET', value: ({ name }) => name },
      { title: 'KEY', value: ({ key, hotkey }) => (hotkey === null ? key : `hotkey ${hotkey}`) },
      { title: 'ADDRESS', value: ({ address }) => address ?? 'not readable here' },
      { title: 'TYPE', value: ({ keyType }) => keyType },
      { title: 'ENCRYPTED', value: ({ encrypted }) => encryptedText(encrypted) },
    ],
  })
  return 0
}

const encryptedText = (encrypted: boolean | null): string =>
  encrypted === null ? 'public part only' : encrypted ? 'yes' : 'no'

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
