import { createOutput } from '../output.ts'
import { walletRows } from '../wallet-rows.ts'
import type { Run } from './command.ts'

/** Lists the keys of every wallet; asks for no password. */
export const walletList: Run = async ({ config, terminal }) => {
  const path = config.walletPath
  const rows = await walletRows(path)
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
