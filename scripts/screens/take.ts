import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'

export interface Screen {
  /** Of the file in docs/screens. */
  readonly name: string
  readonly path: string
  readonly theme: 'light' | 'dark'
  readonly size: readonly [width: number, height: number]
  /** What is done, or waited for, before the picture is taken. */
  readonly before: (page: Page) => Promise<unknown>
}

export const WIDE = [1280, 800] as const
export const PHONE = [360, 740] as const

/** Signs a browser in: a fresh link, and where the console is. */
export type Link = () => Promise<{ readonly url: string; readonly console: string }>

const folder = join(import.meta.dirname, '../../docs/screens')
/** They travel with the repository. */
const MOST_BYTES = 200_000

/** Writes one picture to docs/screens. */
export async function take(browser: Browser, link: Link, screen: Screen): Promise<void> {
  const { name, path, theme, size, before } = screen
  const [width, height] = size
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme })
  page.setDefaultTimeout(120_000)
  const { console: address, url } = await link()
  await page.goto(url)
  await page.goto(address + path)
  await before(page)
  await page.mouse.move(0, height - 1)
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 600))') // fonts and motion come to rest
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${name}.png`)
  await page.screenshot({ path: file })
  await page.close()
  const { size: bytes } = statSync(file)
  if (bytes > MOST_BYTES) throw new Error(`${file} has ${bytes} bytes: more than ${MOST_BYTES}`)
  process.stdout.write(`${name}.png ${Math.round(bytes / 1000)} KB\n`)
}
