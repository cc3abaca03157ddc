import { listWallets, loadHotkey } from '../../chain/wallet.ts'
import { codeOf } from '../../errors.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** One hotkey as `wallet list --json` prints it; without an address when its file cannot be used here. */
export interface WalletRow {
  readonly name: string
  readonly hotkey: string
  readonly address: string | null
}

/** Lists the hotkeys of every wallet. */
export const walletList: Run = async ({ config, terminal }) => {
  const path = config.walletPath
  const entries = await listWallets(path)
  const rows = await Promise.all(
    entries.flatMap(({ name, hotkeys }) =>
      hotkeys.map(async (hotkey): Promise<WalletRow> => {
        return { name, hotkey, address: await addressOf(path, name, hotkey) }
      }),
    ),
  )
  createOutput(terminal, config).list(rows, {
    id: ({ address, name, hotkey }) => address ?? `${name}/${hotkey}`,
    none: `no wallets in ${path}`,
    columns: [
      { title: 'WALLET', value: ({ name }) => name },
      { title: 'HOTKEY', value: ({ hotkey }) => hotkey },
      { title: 'ADDRESS', value: ({ address }) => address ?? 'not readable here' },
    ],
  })
  return 0
}

async function addressOf(path: string, name: string, hotkey: string): Promise<string | null> {
  try {
    return (await loadHotkey({ path, name, hotkey })).address
  } catch (error) {
    if (codeOf(error) === 'BAD_CONFIG_WALLET') return null
    throw error
  }
}
