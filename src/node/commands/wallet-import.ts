import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { importHotkey } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { createOutput } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import type { CommandContext, Run, Terminal } from './command.ts'

/** Writes a hotkey from its secret words, which come on stdin: never in arguments, where others could read them. */
export const walletImport: Run = async (context: CommandContext) => {
  const { config, terminal, signal } = context
  const place = walletPlace(config)
  const words = await readWords(terminal, signal)
  if (words === '') {
    throw new NodeError('BAD_CONFIG_WALLET', 'no words came on stdin', {
      next: 'compute-node wallet import < words.txt',
    })
  }
  const { address, type } = await importHotkey(place, words, config.keyType)
  const made = { name: place.name, hotkey: address, keyType: type }
  const say = (): string => `hotkey ${address} in wallet ${place.name} (${place.hotkey})`
  createOutput(terminal, config).value(made, say, address)
  return 0
}

/** One line at a terminal, everything from a pipe. */
async function readWords({ stdin, stderr }: Terminal, signal: AbortSignal): Promise<string> {
  if (stdin.isTTY !== true) return (await text(stdin as NodeJS.ReadStream)).trim()
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    return (await lines.question('Secret words: ', { signal })).trim()
  } finally {
    lines.close()
  }
}
