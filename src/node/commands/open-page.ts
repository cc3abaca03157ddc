import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../errors.ts'
import { dataFolder } from '../data-folder.ts'
import type { Output } from '../output.ts'

/**
 * Shows a page in the person's browser. A secret in its address would stand in the browser's command line, for all on
 * this machine to read: so the browser gets a file (0600) that leads there and goes with the scope.
 */
export async function openPage(
  url: string,
  dataDir: string,
  output: Output,
): Promise<AsyncDisposable> {
  const folder = join(dataFolder(dataDir).path, 'pages')
  const file = join(folder, `${randomBytes(8).toString('hex')}.html`)
  const page = { [Symbol.asyncDispose]: () => rm(file, { force: true }) }
  const notOpened = (error: unknown): void =>
    output.note(`  no browser could be opened: ${messageOf(error)}`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(file, pageTo(url), { mode: 0o600, flag: 'wx' })
    const { default: open } = await import('open')
    const browser = await open(file)
    browser.once('error', notOpened)
  } catch (error) {
    notOpened(error)
  }
  return page
}

const pageTo = (url: string): string =>
  `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}"><a href="${url}">go on</a>\n`
