import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createControlClient } from '../../src/node/control/client.ts'
import type { Node } from '../../src/node/devnet/market.ts'
import { complaintsOf, expectAccessible, noBrowser, openBrowser } from '../support/browser.ts'
import { type ConsoleMarket, startConsoleMarket } from '../support/console-market.ts'
import { runCli } from '../support/run-cli.ts'

const WAIT_MS = 60_000
const wait = { timeout: WAIT_MS }
const PHONE = { width: 360, height: 740 }

describe.skipIf(noBrowser)('my node, network and settings, in a browser before processes', () => {
  let market: ConsoleMarket
  let browser: Browser
  const contexts = new Map<Node, { context: BrowserContext; page: Page; complaints: string[] }>()

  const nodeOf = (role: string): Node => market.nodes.find(({ member }) => member.role === role)!
  /** The page of a node's console, signed in. */
  async function open(node: Node, path: string): Promise<Page> {
    const { url, console: address } = await market.link(node)
    let there = contexts.get(node)
    if (there === undefined) {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 900 },
        colorScheme: node.member.role === 'validator' ? 'dark' : 'light',
      })
      const page = await context.newPage()
      page.setDefaultTimeout(WAIT_MS)
      there = { context, page, complaints: complaintsOf(page) }
      contexts.set(node, there)
      await page.goto(url)
    }
    await there.page.goto(address + path)
    return there.page
  }
  const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
  async function expectNarrow(page: Page): Promise<void> {
    const size = page.viewportSize()!
    await page.setViewportSize(PHONE)
    // A table takes its narrow form a frame after the window did.
    const excess = (): Promise<unknown> =>
      page.evaluate(
        'document.querySelector(".content-body").scrollWidth - document.querySelector(".content-body").clientWidth',
      )
    await expect.poll(excess, { timeout: 5000 }).toBe(0)
    await expectAccessible(page)
    await page.setViewportSize(size)
  }

  beforeAll(async () => {
    ;[market, browser] = await Promise.all([startConsoleMarket({ miners: 1 }), openBrowser()])
  }, 240_000)
  afterAll(async () => {
    await browser?.close()
    await market?.[Symbol.asyncDispose]()
  })

  test('a limit is changed at its place by keyboard, what is wrong is told there, and it holds', async () => {
    const miner = nodeOf('miner')
    const page = await open(miner, '/node')
    const limits = section(page, 'Limits')
    await limits.getByRole('button', { name: 'Change temperature' }).press('Enter')
    const field = limits.getByRole('textbox', { name: 'Temperature' })
    await field.fill('7')
    await field.press('Enter')
    await limits.getByText('a whole number from 30 to 120, or nothing').waitFor()
    await field.fill('71')
    await field.press('Enter')
    await limits.getByText('71 °C').waitFor()
    await limits.getByRole('button', { name: 'Change hours' }).click()
    await limits.getByRole('textbox', { name: 'Hours' }).fill('mon-sun')
    await limits.getByRole('button', { name: 'Save' }).click()
    await limits.getByText('mon-sun').waitFor()
    const told = await runCli(['gpu', 'limits', '--data-dir', miner.member.dataDir, '--json'])
    expect(JSON.parse(told.stdout)).toMatchObject({ maxTempC: 71, workHours: ['mon-sun'] })
    await expectAccessible(page)
  })

  test('what the node refuses stays written, with the reason; the rule of the price holds', async () => {
    const page = await open(nodeOf('miner'), '/node')
    const price = section(page, 'Price')
    const change = async (name: string, value: string): Promise<void> => {
      await price.getByRole('button', { name: `Change ${name.toLowerCase()}` }).click()
      await price.getByRole('textbox', { name }).fill(value)
      await price.getByRole('button', { name: 'Save' }).click()
    }
    await change('Step', '5')
    await price.getByText('a price that moves needs bounds').waitFor()
    await price.getByRole('button', { name: 'Cancel' }).click()
    await change('Lowest price', '0.4')
    await price.getByText('0.4 DEV/h').waitFor()
    await change('Highest price', '0.9')
    await price.getByText('0.9 DEV/h').waitFor()
    await change('Step', '5')
    await price.getByText('5 % a window').waitFor()
  })

  test('a miner runs empty, says how far it is, and takes leases again', async () => {
    const miner = nodeOf('miner')
    const page = await open(miner, '/node')
    using client = createControlClient(String(miner.ready['control']))
    const drains = async () => (await client.get<{ draining: boolean }>('/v1/drain')).draining
    await page.getByRole('button', { name: 'Run empty' }).click()
    await page.getByText('This miner runs empty').waitFor()
    expect(await drains()).toBe(true)
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Take leases again' }).click()
    await page.getByRole('button', { name: 'Run empty' }).waitFor()
    expect(await drains()).toBe(false)
  })

  test('the score of a miner that was judged is explained term by term; what it earned stands below', async () => {
    const page = await open(nodeOf('miner'), '/node')
    const score = section(page, 'Score')
    await score.getByText('How much it computes').waitFor(wait)
    for (const term of ['units', 'reliability', 'ramp', 'rate', 'leases']) {
      await score.getByText(term, { exact: true }).waitFor()
    }
    await score.getByText(/^[1-9]\d* ok, /).waitFor()
    await page.getByRole('grid', { name: 'Earnings per epoch' }).waitFor()
    await section(page, 'Devices').getByText('proves', { exact: true }).waitFor()
    await expectAccessible(page)
    await expectNarrow(page)
  })

  test('a validator sees each verdict with its reason, its coverage, and how its weights stand', async () => {
    const page = await open(nodeOf('validator'), '/node')
    const slots = section(page, 'Slots')
    await slots.getByText('1 of 1 judged').first().waitFor(wait)
    await slots.getByText('everything that was opened is what its inputs give').first().waitFor()
    const weights = section(page, 'Weights')
    await weights.getByText('may validate').waitFor()
    await weights.getByText('blocks left').waitFor()
    await weights.getByRole('list', { name: 'Weights set last' }).waitFor(wait)
    expect(await page.getByRole('button', { name: 'Run empty' }).count()).toBe(0)
    await expectAccessible(page)
    await expectNarrow(page)
  })

  test('the network page shows all peers of the market, the chain and who is bound', async () => {
    const renter = nodeOf('renter')
    const page = await open(renter, '/network')
    const others = market.nodes.filter((node) => node !== renter)
    const peers = page.getByRole('grid', { name: 'Peers' })
    for (const { peerId } of others) await peers.getByTitle(peerId, { exact: true }).waitFor(wait)
    for (const role of ['relay', 'miner', 'validator']) {
      await peers.getByText(role, { exact: true }).waitFor(wait)
    }
    await section(page, 'Chain').getByText('the first choice').waitFor(wait)
    const bindings = page.getByRole('grid', { name: 'Bindings' })
    await bindings.getByTitle(nodeOf('miner').peerId).waitFor(wait)
    await page.getByRole('button', { name: 'Latency' }).click()
    await expectAccessible(page)
    await expectNarrow(page)
    await page.goto(page.url().replace('/network', '/node'))
    await section(page, 'Spending').waitFor()
    await expectAccessible(page)
  })

  test('a renter sets the cap on what a day may cost, and lifts it; who may only rent reads it', async () => {
    const renter = nodeOf('renter')
    const page = await open(renter, '/node')
    using client = createControlClient(String(renter.ready['control']))
    const cap = async () =>
      (await client.get<{ maxDailyCost: string | null }>('/v1/spending')).maxDailyCost
    const spending = section(page, 'Spending')
    const change = async (value: string): Promise<void> => {
      await spending.getByRole('button', { name: 'Change cap per day' }).click()
      await spending.getByRole('textbox', { name: 'Cap per day' }).fill(value)
      await page.keyboard.press('Enter')
    }
    await spending.getByText('no cap', { exact: true }).waitFor()
    await change('much')
    await spending.getByText('an amount such as 12.5, or nothing').waitFor()
    await page.keyboard.press('Escape')
    await change('12.5')
    await spending.getByText('12.5 of each asset').waitFor()
    expect(await cap()).toBe('12.5')
    const { url } = await client.post<{ url: string }>('/v1/login-codes', { scope: 'rent' })
    const lesser = await browser.newContext()
    const reader = await lesser.newPage()
    await reader.goto(url)
    await reader.goto(page.url())
    await section(reader, 'Spending').getByText('12.5 of each asset').waitFor(wait)
    await section(reader, 'Spending').getByText('Read-only').waitFor()
    expect(await reader.getByRole('button', { name: /^Change/ }).count()).toBe(0)
    await lesser.close()
    await change('')
    await spending.getByText('no cap', { exact: true }).waitFor()
    expect(await cap()).toBeNull()
    await expectAccessible(page)
    await expectNarrow(page)
  })

  test('a token is made, shown once, works as far as its scope goes, and is revoked', async () => {
    const renter = nodeOf('renter')
    const page = await open(renter, '/settings')
    const ask = async (token: string, method = 'GET', path = '/v1/status'): Promise<number> => {
      const { origin } = new URL(page.url())
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const body = method === 'GET' ? {} : { body: '{"scope":"read"}' }
      return (await fetch(origin + path, { method, headers, ...body })).status
    }
    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('dashboard')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Create token' }).click()
    await page.getByRole('heading', { name: 'Take the token now' }).waitFor()
    const token = (await page.locator('.token-secret .mono').textContent())!
    expect(await ask(token)).toBe(200)
    expect(await ask(token, 'POST', '/v1/login-codes')).toBe(403)
    await page.getByRole('button', { name: 'I have it' }).click()
    const list = page.getByRole('list', { name: 'Tokens that stand' })
    await list.getByText('dashboard').waitFor()
    expect(await page.textContent('body')).not.toContain(token)
    await expectNarrow(page)
    await list.getByRole('button', { name: 'Revoke dashboard…' }).click()
    await list.getByRole('button', { name: 'Revoke dashboard', exact: true }).click()
    await page.getByRole('heading', { name: 'No program has a token' }).waitFor()
    expect(await ask(token)).toBe(401)
  })

  test('signing out leaves nothing of the node in the browser', async () => {
    const page = await open(nodeOf('renter'), '/settings')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'This browser is signed out' }).waitFor()
    expect(await page.textContent('body')).not.toContain(nodeOf('renter').peerId.slice(-6))
  })

  test('no page complained', () => {
    expect([...contexts.values()].flatMap(({ complaints }) => complaints)).toEqual([])
  })
})
