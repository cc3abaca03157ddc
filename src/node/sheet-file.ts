import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { messageOf, NodeError } from '../errors.ts'
import { type BindingSheet, sheetsIn, sheetText } from '../protocols/binding-sheet.ts'
import type { Network } from '../protocols/network.ts'
import { KiB } from '../units.ts'
import { type Config, reasonOf } from './config.ts'

/** Two full sheets need about 40 KiB. */
const FILE_MAX_BYTES = 512 * KiB
/** The one that the chain is to hold, and the one it held before: which of them it took is read from the chain. */
const KEPT = 2

/** Where the machine with the wallet keeps all PeerIds of a hotkey in one market; it holds no secret. */
export const walletSheets = (
  { walletPath, walletName }: Pick<Config, 'walletPath' | 'walletName'>,
  net: Network,
  address: string,
): string => join(walletPath, walletName, 'bindings', `${address}-${net.name}.txt`)

/** Where a node keeps the sheet it took its binding from. */
export const nodeSheets = (dataDir: string): string => join(dataDir, 'bindings.txt')

/** The sheets in a file, newest first; none when there is no file. */
export async function keptSheets(file: string): Promise<BindingSheet[]> {
  try {
    return sheetsIn(await readFile(file, 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unreadable(file, cause)
  }
}

/** Written whole or not at all, before the chain is asked to hold it. */
export async function keepSheets(file: string, sheets: readonly BindingSheet[]): Promise<void> {
  const lines = sheets.slice(0, KEPT).map((sheet) => `${sheetText(sheet)}\n`)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, lines.join(''), { mode: 0o600, flush: true })
  await rename(draft, file)
}

/**
 * The sheets of a file that a person names; `-` is standard input.
 * @throws BAD_CONFIG_BINDING when it cannot be read or holds none
 */
export async function givenSheets(
  file: string,
  stdin: NodeJS.ReadableStream,
): Promise<BindingSheet[]> {
  const sheets = sheetsFrom(file, file === '-' ? await text(stdin) : await content(file))
  if (sheets.length === 0) {
    throw new NodeError('BAD_CONFIG_BINDING', `${file} holds no request and no binding`, {
      next: 'give what compute-node chain bind request, or chain bind add, printed',
    })
  }
  return sheets
}

function sheetsFrom(file: string, written: string): BindingSheet[] {
  try {
    return sheetsIn(written)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

async function content(file: string): Promise<string> {
  try {
    if ((await stat(file)).size <= FILE_MAX_BYTES) return await readFile(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, reasonOf(cause), cause)
  }
  throw unreadable(file, 'it is too large')
}

const unreadable = (file: string, reason: unknown, cause: unknown = reason): NodeError =>
  new NodeError('BAD_CONFIG_BINDING', `cannot read ${file}: ${messageOf(reason)}`, {
    cause,
    next: 'copy it again, whole, from where it was printed',
  })
