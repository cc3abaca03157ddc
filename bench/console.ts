import { gzipSync } from 'node:zlib'
import type { BrowserContext, Page } from 'playwright-core'
import { openBrowser } from '../test/support/browser.ts'
import { type Bench, median } from './support/bench.ts'
import { startFullMarket } from './support/full-market.ts'

const OFFERS = 5000
const LOADS = 7
/** Typed one after the other; each finds other offers. */
const QUERIES = [
  'gpu_ram>=24',
  'gpu_name=H100',
  'gpu_name in [H100,RTX_4090] dph<3',
  'verified=true geolocation in [DE,FR] tops>500',
  'dph<1 or (num_gpus>=4 reliability>0.9)',
  'rentable=any',
] as const
/** The terminal is loaded by who opens one. */
const LATER = /terminal|xterm/i

export const bench: Bench = {
  name: 'console',
  measures: `the market page in Chromium on loopback before ${OFFERS} offers: what it loads, when it can be used, how fast it filters`,
  targets: {
    firstLoadKB: { atMost: 300 },
    interactiveMs: { atMost: 1500 },
    filterMs: { atMost: 50 },
  },
  async run(progress) {
    await using market = await startFullMarket(OFFERS)
    const browser = await openBrowser()
    try {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
      progress('signing in')
      const { console: address, url } = await market.link()
      const first = await signIn(context, url)
      progress(`loading ${LOADS} times`)
      const loads: number[] = []
      const blanks: number[] = []
      for (let i = 0; i < LOADS; i++) {
        blanks.push(await timeToLoad(browser, `${address}/theme.js`))
        loads.push(await timeToRows(context, `${address}/market`))
      }
      progress('filtering')
      const filtered = await filterTimes(first.page)
      return {
        figures: {
          firstLoadKB: first.bytes / 1000,
          interactiveMs: median(loads),
          filterMs: Math.max(...filtered.compute),
          typedToPaintMs: median(filtered.paint),
        },
        yardstick: { emptyPageMs: median(blanks), plainFilterMs: median(filtered.plain) },
      }
    } finally {
      await browser.close()
    }
  },
}

/** Signs in and waits for the first row; the compressed size of every script that this took. */
async function signIn(
  context: BrowserContext,
  url: string,
): Promise<{ readonly page: Page; readonly bytes: number }> {
  const page = await context.newPage()
  const scripts: Promise<number>[] = []
  page.on('response', (response) => {
    const isCounted = response.url().endsWith('.js') && !LATER.test(response.url())
    if (isCounted) scripts.push(response.body().then((body) => gzipSync(body).length))
  })
  await page.goto(url)
  await page.locator('[data-index="0"]').waitFor()
  const sizes = await Promise.all(scripts)
  return { page, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

/** From the navigation until offers stand in the list and its query takes keys. */
async function timeToRows(context: BrowserContext, url: string): Promise<number> {
  const page = await context.newPage()
  await page.goto(url, { waitUntil: 'commit' })
  const ms = await page.evaluate(`new Promise((resolve) => {
    const look = () => document.querySelector('[data-index="0"]') ? resolve(performance.now()) : requestAnimationFrame(look)
    look()
  })`)
  await page.close()
  return Number(ms)
}

async function timeToLoad(browser: { newPage(): Promise<Page> }, url: string): Promise<number> {
  const page = await browser.newPage()
  await page.goto(url)
  const ms = await page.evaluate('performance.now()')
  await page.close()
  return Number(ms)
}

interface FilterTimes {
  /** Filtering and sorting alone, as the page itself measures it. */
  readonly compute: readonly number[]
  /** From the key until the new list is painted. */
  readonly paint: readonly number[]
  /** The same offers by one comparison in plain JavaScript, and sorted by a number. */
  readonly plain: readonly number[]
}

const filterTimes = (page: Page): Promise<FilterTimes> =>
  page.evaluate(`(async () => {
    const input = document.querySelector('.query-input')
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set
    const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    const { items } = await (await fetch('/v1/offers')).json()
    const [compute, paint, plain] = [[], [], []]
    for (const query of ${JSON.stringify(QUERIES)}) {
      performance.clearMeasures('cn-filter')
      const startedMs = performance.now()
      set.call(input, query)
      input.dispatchEvent(new Event('input', { bubbles: true }))
      while (performance.getEntriesByName('cn-filter').length === 0) await painted()
      await painted()
      paint.push(performance.now() - startedMs)
      compute.push(Math.max(...performance.getEntriesByName('cn-filter').map((one) => one.duration)))
      const plainMs = performance.now()
      items.filter((one) => one.gpu_ram >= 24).sort((a, b) => Number(a.dph) - Number(b.dph))
      plain.push(performance.now() - plainMs)
    }
    return { compute, paint, plain }
  })()`)
