/**
 * `npm run screens` writes docs/screens/*.png: the console's pages as Chromium shows them. The market page has made-up
 * offers, all others a market of processes on this machine (Docker is needed). `npm run screens -- live` takes those alone.
 */
import { openBrowser } from '../test/support/browser.ts'
import { takeLiveMarket } from './screens/live-market.ts'
import { takeMadeUpMarket } from './screens/made-up-market.ts'

const browser = await openBrowser()
try {
  if (process.argv[2] !== 'live') await takeMadeUpMarket(browser)
  await takeLiveMarket(browser)
} finally {
  await browser.close()
}
