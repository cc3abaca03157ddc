import type { Browser, Page } from 'playwright-core'
import { startFullMarket } from '../../bench/support/full-market.ts'
import { PHONE, type Screen, take, WIDE } from './take.ts'

const OFFERS = 400
const listed = (page: Page): Promise<void> => page.locator('[data-index="0"]').waitFor()

const screens: readonly Screen[] = [
  { name: 'market', path: '/market', theme: 'light', size: WIDE, before: listed },
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
    before: listed,
  },
  { name: 'market-phone', path: '/market', theme: 'dark', size: PHONE, before: listed },
]

/** Pictures of a market as large as none is on one machine: its offers are made up. */
export async function takeMadeUpMarket(browser: Browser): Promise<void> {
  await using market = await startFullMarket(OFFERS)
  for (const screen of screens) await take(browser, market.link, screen)
}
