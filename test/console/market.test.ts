import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeTranscript, encodeTranscript } from '../../src/gpu/transcript.ts'
import { complaintsOf, expectAccessible, noBrowser, openBrowser } from '../support/browser.ts'
import { type ConsoleMarket, startConsoleMarket } from '../support/console-market.ts'

const WAIT_MS = 60_000

describe.skipIf(noBrowser)('the market page, in a browser before a market of processes', () => {
  let market: ConsoleMarket
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let complaints: string[]
  const query = () => page.getByRole('combobox', { name: 'Query for offers' })
  const rows = () => page.locator('[role=row][data-index]')
  const prices = () => page.locator('[data-index] .num').allTextContents()

  beforeAll(async () => {
    ;[market, browser] = await Promise.all([startConsoleMarket(), openBrowser()])
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    page = await context.newPage()
    page.setDefaultTimeout(WAIT_MS)
    complaints = complaintsOf(page)
  }, 240_000)
  afterAll(async () => {
    await browser?.close()
    await market?.[Symbol.asyncDispose]()
  })

  test('a stranger sees how to get in and nothing of the node; a link signs in, once', async () => {
    const { console: address, url } = await market.link()
    await page.goto(address)
    await page.getByRole('heading', { name: 'This browser is signed out' }).waitFor()
    expect(await page.textContent('body')).toContain('compute-node ui')
    expect(await page.textContent('body')).not.toContain(market.renter.peerId.slice(-6))
    await expectAccessible(page)
    await page.goto(url)
    await page.getByRole('grid', { name: 'Offers' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/market')
    await page.getByText(market.renter.peerId.slice(-6)).waitFor()
    const again = await context.request.get(url)
    expect(again.status()).toBe(401)
  })

  test('offers appear as they are heard, cheapest first; a head sorts', async () => {
    await expect.poll(() => rows().count(), { timeout: WAIT_MS }).toBe(2)
    await expect.poll(async () => (await prices())[0]).toContain('0.5')
    await page.getByRole('button', { name: 'Price', exact: true }).click()
    await expect.poll(async () => (await prices())[0]).toContain('0.6')
    const head = page.getByRole('columnheader', { name: 'Price', exact: true })
    expect(await head.getAttribute('aria-sort')).toBe('descending')
    expect(page.url()).toContain('sort=-dph')
    await page.getByRole('button', { name: 'Price', exact: true }).click()
    await expectAccessible(page)
  })

  test('a typo is shown at its place with what was meant; the list stays as it was', async () => {
    await query().fill('gpu_nam=CPU dph<1')
    await query().press('Escape')
    const wrong = page.locator('.ink-wrong')
    await wrong.waitFor()
    expect(await wrong.textContent()).toBe('gpu_nam')
    expect(await query().getAttribute('aria-invalid')).toBe('true')
    const problem = page.locator('.query-problem')
    expect(await problem.textContent()).toContain('unknown field "gpu_nam"')
    expect(await rows().count()).toBe(2)
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Use gpu_name' }).click()
    expect(await query().inputValue()).toBe('gpu_name=CPU dph<1')
    await expect.poll(() => problem.count()).toBe(0)
  })

  test('the query filters here as it does on the command line, and stands in the address', async () => {
    await query().fill('dph<0.55')
    await expect.poll(() => rows().count()).toBe(1)
    expect(new URL(page.url()).searchParams.get('q')).toBe('dph<0.55')
    await query().fill('gpu_name=H100')
    await page.getByRole('heading', { name: 'No standing offer matches' }).waitFor()
    await page.locator('.empty-state').getByRole('button', { name: 'Clear the query' }).click()
    await expect.poll(() => rows().count()).toBe(2)
  })

  test('quick filters write the query', async () => {
    await page.getByRole('button', { name: 'Verified' }).click()
    expect(await query().inputValue()).toBe('verified=true')
    await page.getByRole('button', { name: 'Price: any' }).click()
    await page.getByRole('menuitemradio', { name: 'Any', exact: true }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Verified' }).click()
    expect(await query().inputValue()).toBe('')
  })

  test('all of it goes by keyboard alone: a query completed, a row opened and closed, the palette', async () => {
    await page.locator('body').press('Escape')
    await page.keyboard.press('/')
    await page.keyboard.type('gpu_na')
    await page.keyboard.press('Enter')
    expect(await query().inputValue()).toBe('gpu_name=')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    expect(await query().inputValue()).toBe('gpu_name=CPU ')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await rows().first().focus()
    await page.keyboard.press('ArrowDown')
    await expect
      .poll(() => page.evaluate('document.activeElement.getAttribute("data-index")'))
      .toBe('1')
    await page.keyboard.press('Enter')
    const panel = page.getByRole('complementary')
    await panel.waitFor()
    expect(await rows().nth(1).getAttribute('aria-selected')).toBe('true')
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await expect.poll(() => panel.count()).toBe(0)
    await page.keyboard.press('Control+k')
    await page.keyboard.type('theme dark')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
    await page.getByRole('button', { name: 'Clear the query' }).click()
  })

  test('an offer shows who testified about it, and what they found', async () => {
    await rows().first().click()
    const words = page.locator('.word')
    await words.first().waitFor()
    await expect
      .poll(() => words.first().textContent(), { timeout: WAIT_MS })
      .toMatch(/VALID|counted/)
    await expectAccessible(page) // dark, from the test before
  })

  test('the proof behind a word is checked in the page; what was tampered with fails where it was', async () => {
    let whole: Buffer = Buffer.alloc(0)
    const answer = '**/v1/transcripts/*/content'
    const ask = page.getByRole('button', { name: /^Re-check here/ }).first()
    const about = (await ask.getAttribute('aria-label'))!.replace('Re-check here: ', '')
    const button = (does: string) => page.getByRole('button', { name: `${does}: ${about}` }).first()
    const found = page.getByRole('region', { name: 'Checked in this page' })
    const names = (which: string) => found.locator(`.recheck-${which} strong`).allTextContents()
    await button('Re-check here').click()
    await found.locator('.recheck-verdict').waitFor()
    expect(await found.locator('.recheck-verdict').textContent()).toMatch(
      /^VALID.* checked by this browser in /,
    )
    expect(await names('bad')).toEqual([])
    expect((await names('ok')).slice(0, 6)).toEqual([
      'Testimony',
      'Shape',
      'Pulses',
      'Signatures',
      'Memory',
      'Matrices',
    ])
    expect(await found.textContent()).toMatch(/passes over .* GB\/s; \d+ pages checked/)
    expect(await found.textContent()).toContain('Its validator found the same.')
    await expectAccessible(page)
    await button('Close the check').click()
    await page.route(answer, async (route) => {
      const response = await route.fetch()
      whole = await response.body()
      const told = decodeTranscript(whole)
      const leaves = told.residency.leaves.map((byte, at) => (at === 0 ? byte ^ 1 : byte))
      const content = encodeTranscript({ ...told, residency: { ...told.residency, leaves } })
      await route.fulfill({ response, body: Buffer.from(content) })
    })
    await button('Re-check here').click()
    await found.locator('.recheck-verdict').filter({ hasText: 'BAD_PATH' }).waitFor()
    expect(await names('bad')).toEqual(['Testimony', 'Memory'])
    expect(await found.textContent()).toMatch(/BAD_PATH: the passes break at pass, page \d+, \d+/)
    expect(await found.textContent()).toContain('not the bytes that the validator named')
    await page.unroute(answer)
    await button('Close the check').click()

    const other = await context.newPage()
    await other.goto(new URL('/network', page.url()).href)
    const checked = other.getByRole('region', { name: 'Checked in this page' })
    const drop = async (name: string, buffer: Buffer) => {
      const file = { name, mimeType: 'application/octet-stream', buffer }
      await other.getByLabel('Transcript to check').setInputFiles(file)
      await other.getByRole('heading', { name }).waitFor()
      await checked.locator('.recheck-verdict').waitFor()
      return (await checked.textContent())!
    }
    expect(await drop('mine.transcript', whole)).toMatch(/^VALID/)
    expect(await drop('junk.transcript', Buffer.from('junk'))).toMatch(/^BAD_SHAPE/)
    await expectAccessible(other)
    await other.close()
  })

  test('on a phone: two lines an offer, the offer over the page, nothing wider than the screen', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    await page.getByRole('dialog').waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await page.locator('.narrow-offer').first().waitFor()
    const width = () => page.evaluate('document.documentElement.scrollWidth')
    await expect.poll(width, { timeout: 5000 }).toBeLessThanOrEqual(360)
    await expectAccessible(page)
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  test('a node that is killed: what it said stays, marked as old; it is back: the page goes on, signed in', async () => {
    expect(complaints).toEqual([])
    await market.killRenter()
    const banner = page.getByRole('alert').filter({ hasText: 'The node does not answer' })
    await banner.waitFor()
    expect(await rows().count()).toBe(2)
    expect(await page.getByRole('status', { name: 'The node is: Away' }).count()).toBe(1)
    await expectAccessible(page)
    await market.startRenter()
    await page.getByRole('button', { name: 'Reconnect' }).click()
    await expect.poll(() => banner.count(), { timeout: WAIT_MS }).toBe(0)
    await page.getByRole('status', { name: 'The node is: Live' }).waitFor()
    await expect.poll(() => rows().count(), { timeout: WAIT_MS }).toBe(2)
  })
})
