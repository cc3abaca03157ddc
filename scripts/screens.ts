/** `npm run screens` writes docs/screens/*.png: the console's pages as Chromium shows them, of made-up offers. */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { startFullMarket } from '../bench/support/full-market.ts'
import { openBrowser } from '../test/support/browser.ts'

interface Screen {
  readonly name: string
  readonly path: string
  readonly theme: 'light' | 'dark'
  readonly size: readonly [width: number, height: number]
  /** What is done before the picture is taken. */
  readonly before?: (page: Page) => Promise<void>
}

const WIDE = [1280, 800] as const
const PHONE = [360, 740] as const
const OFFERS = 400
/** They travel with the repository. */
const MOST_BYTES = 200_000

const screens: readonly Screen[] = [
  { name: 'market', path: '/market', theme: 'light', size: WIDE },
  {
    name: 'market-offer',
    path: `/market?${new URLSearchParams({ q: 'gpu_ram>=80 verified=true', sort: '-value' })}`,
    theme: 'dark',
    size: WIDE,
    before: (page) => page.locator('[data-index="2"]').click(),
  },
  {
    name: 'market-query',
    path: `/market?${new URLSearchParams({ q: 'gpu_ram>=24 gpu_nam=H100' })}`,
    theme: 'light',
    size: WIDE,
  },
  { name: 'market-phone', path: '/market', theme: 'dark', size: PHONE },
]

const folder = join(import.meta.dirname, '../docs/screens')
mkdirSync(folder, { recursive: true })
await using market = await startFullMarket(OFFERS)
const browser = await openBrowser()
for (const { name, path, theme, size, before } of screens) {
  const [width, height] = size
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: theme })
  const { console: address, url } = await market.link()
  await page.goto(url)
  await page.goto(address + path)
  await page.locator('[data-index="0"]').waitFor()
  await before?.(page)
  await page.mouse.move(0, height - 1)
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 600))') // fonts and motion come to rest
  const file = join(folder, `${name}.png`)
  await page.screenshot({ path: file })
  await page.close()
  const { size: bytes } = statSync(file)
  if (bytes > MOST_BYTES) throw new Error(`${file} has ${bytes} bytes: more than ${MOST_BYTES}`)
  process.stdout.write(`${name}.png ${Math.round(bytes / 1000)} KB\n`)
}
await browser.close()
