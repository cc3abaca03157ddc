import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Lease, ReceiptsAnswer } from '../../src/api/leases.ts'
import { evidenceChecks } from '../../src/api/proofs.ts'
import { evidenceCodec } from '../../src/protocols/lease-evidence.ts'
import { complaintsOf, expectAccessible, noBrowser, openBrowser } from '../support/browser.ts'
import { type ConsoleMarket, startConsoleMarket } from '../support/console-market.ts'
import { docker, noDocker } from '../support/docker.ts'
import { attack, serveHostilePage } from '../support/hostile-page.ts'
import { loadSdk, type PageWithSdk } from '../support/sdk-page.ts'

const WAIT_MS = 90_000
/** Below what a test may take, so that what was waited for is named. */
const TEST_WAIT_MS = 20_000

/** Prints, and serves a page. */
const SCRIPT =
  'mkdir -p /srv; cd /srv; echo "<h1>from the lease</h1>" >index.html; httpd -p 8080; i=0; while true; do i=$((i+1)); echo step $i; sleep 1; done'

/** A file of receipts whose newest one has another signature. */
function spoilt(evidence: string): string {
  const file = evidenceCodec.decode(Buffer.from(evidence, 'base64'))
  const newest = file.receipts
    .at(-1)!
    .map((byte, i, all) => (i + 1 === all.length ? byte ^ 1 : byte))
  const changed = evidenceCodec.encode({ ...file, receipts: file.receipts.with(-1, newest) })
  return Buffer.from(changed).toString('base64')
}

describe.skipIf(noBrowser || noDocker)('leases, in a browser before a market with Docker', () => {
  let market: ConsoleMarket
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let complaints: string[]
  let folder: string
  let id = ''
  let other = ''

  const api = async <T>(path: string): Promise<T> =>
    (await (await context.request.get(new URL(path, page.url()).href)).json()) as T
  const offers = async () =>
    (await api<{ items: { id: string; host_id: string }[] }>('/v1/offers')).items
  /** A page with connections of its own: a browser has six at most to one node, for all that it shows. */
  async function signedIn() {
    const own = await browser.newContext()
    const fresh = await own.newPage()
    fresh.setDefaultTimeout(TEST_WAIT_MS)
    await fresh.goto((await market.link()).url)
    return { page: fresh, [Symbol.asyncDispose]: () => own.close() }
  }
  const tab = (name: string) => page.getByRole('tab', { name, exact: true })
  const screen = () => page.locator('.xterm-rows')
  const seen = (text: string) =>
    expect.poll(() => screen().textContent(), { timeout: WAIT_MS }).toContain(text)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cn-console-leases-'))
    const wanted = { miners: 2, validators: 1, engine: 'docker' } as const
    ;[market, browser] = await Promise.all([startConsoleMarket(wanted), openBrowser()])
    context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: 'dark',
    })
    page = await context.newPage()
    page.setDefaultTimeout(WAIT_MS)
    complaints = complaintsOf(page)
    await page.goto((await market.link()).url)
    await page.getByRole('grid', { name: 'Offers' }).waitFor()
  }, 300_000)
  afterAll(async () => {
    await browser?.close()
    await market?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
    const peers = (market?.nodes ?? []).map(({ peerId }) => peerId)
    for (const peer of peers) {
      const filters = { label: [`cn.node=${peer}`] }
      const left = await docker.listContainers({ all: true, filters })
      for (const { Id } of left) await docker.getContainer(Id).remove({ force: true })
    }
  }, 60_000)

  test('nothing is rented yet: the page says where to begin', async () => {
    await expect.poll(async () => (await offers()).length, { timeout: WAIT_MS }).toBe(2)
    await page.getByRole('link', { name: 'Leases' }).click()
    await page.getByRole('heading', { name: 'Nothing is rented yet' }).waitFor()
    await expectAccessible(page)
  })

  test('what is wrong with a wish is told at its place, and nothing is asked', async () => {
    const [offer] = await offers()
    await page.goto(new URL(`/rent/${offer!.id}`, page.url()).href)
    await page.getByLabel('Hours', { exact: true }).fill('soon')
    await page.getByRole('button', { name: 'Rent', exact: true }).click()
    await page.getByText('a number of hours, e.g. 1 or 0.5').waitFor()
    await expectAccessible(page)
    await page.getByLabel('Hours', { exact: true }).fill('0.5')
    await expect
      .poll(() => page.getByRole('complementary').textContent())
      .toMatch(/Deposit now0\.\d+ DEV/)
    expect((await api<{ items: Lease[] }>('/v1/leases')).items).toEqual([])
  })

  test('by keyboard alone: from the offer to a shell that answers', async () => {
    await page.getByLabel('Image', { exact: true }).focus()
    await page.keyboard.type('busybox:1.37')
    await page.keyboard.press('Tab')
    await page.keyboard.type(`sh -c '${SCRIPT}'`)
    await page.keyboard.press('Tab')
    await page.keyboard.type('train')
    await page.keyboard.press('Tab')
    await page.keyboard.type('8080')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/leases\/[0-9a-f]{64}/)
    id = /[0-9a-f]{64}/.exec(page.url())![0]
    await screen().waitFor()
    await expect.poll(() => page.locator('.term-notice').count(), { timeout: WAIT_MS }).toBe(0)
    await page.keyboard.type('echo answer-$((40+2))\n')
    await seen('answer-42')
    await expectAccessible(page)
    await page.keyboard.press('Control+Shift+E')
    expect(await page.evaluate('document.activeElement.getAttribute("role")')).toBe('tab')
  })

  test('a second shell beside the first, which goes on', async () => {
    await page.getByRole('button', { name: 'Another shell' }).click()
    await page.locator('.term-tab').nth(1).waitFor()
    await expect.poll(() => page.locator('.term-notice').count(), { timeout: WAIT_MS }).toBe(0)
    await page.keyboard.type('yes >/dev/null & echo busy-$!\n')
    await seen('busy-')
    await page.locator('.term-tab').first().click()
    await seen('answer-42')
  })

  test('logs follow, and are searched', async () => {
    await tab('Logs').click()
    const log = page.getByRole('log')
    await expect.poll(() => log.textContent(), { timeout: WAIT_MS }).toContain('step 3')
    await page.getByRole('searchbox', { name: 'Show lines with' }).fill('STEP 2')
    await expect.poll(() => log.locator('mark').first().textContent()).toBe('step 2')
    expect(await log.textContent()).not.toContain('step 3')
    await expectAccessible(page)
    await page.getByRole('searchbox', { name: 'Show lines with' }).fill('')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download the whole log' }).click()
    expect(await readFile(await (await download).path(), 'utf8')).toContain('step 1\nstep 2\n')
  })

  test('a file goes up and comes back, its checksum the same on both sides', async () => {
    const bytes = randomBytes(3_000_000)
    await writeFile(join(folder, 'weights.bin'), bytes)
    await tab('Files').click()
    await page.getByRole('grid', { name: /^Files in/ }).waitFor()
    await page.locator('input[type=file]').setInputFiles(join(folder, 'weights.bin'))
    const transfers = page.getByRole('region', { name: 'Transfers' })
    await transfers.getByText('SHA-256').waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download weights.bin' }).click()
    expect((await readFile(await (await download).path())).equals(bytes)).toBe(true)
    await expect.poll(() => transfers.getByText('SHA-256').count()).toBe(2)
    await expectAccessible(page)
    await page.getByRole('textbox', { name: 'Folder' }).fill('/srv')
    await page.keyboard.press('Enter')
    await page.getByRole('row', { name: /index\.html/ }).waitFor()
  })

  test("a page with the SDK alone: commands, a terminal, logs, files over a browser's own sockets", async () => {
    const sdkPage = await context.newPage()
    await loadSdk(sdkPage, new URL(page.url()).origin)
    const found = await sdkPage.evaluate(async (lease) => {
      const { sdk } = globalThis as unknown as PageWithSdk
      const here = await sdk.connect().leases.get(lease)
      const echo = here.exec(['cat'], { stdin: { text: 'through the browser' } })
      const failing = await here.exec(['sh', '-c', 'echo no >&2; exit 3']).output()
      const shell = here.shell({ columns: 80, rows: 24 })
      await shell.write('echo shell-$((6*7)); exit 5\n')
      const shown = await shell.output.text()
      let log = ''
      for await (const { text } of here.logs({ tail: 3 })) log += text
      const { bytes } = await here.files.write('/srv/sub/note.txt', { text: 'a note' })
      const { items } = await here.files.list('/srv/sub')
      return {
        echoed: await echo.text(),
        failing,
        shell: [shown.includes('shell-42'), await shell.exit],
        log,
        files: [
          bytes,
          items.map(({ name }) => name),
          await here.files.read('/srv/sub/note.txt').text(),
        ],
        gone: await here.files.list('/nowhere').catch((error) => error.code),
      }
    }, id)
    expect(found).toMatchObject({
      echoed: 'through the browser',
      failing: { exitCode: 3, stdout: '', stderr: 'no\n' },
      shell: [true, 5],
      log: expect.stringMatching(/step \d+\n$/),
      files: [6, ['note.txt'], 'a note'],
      gone: 'NOTHING_MATCHED',
    })
    await sdkPage.close()
  })

  test('a port is forwarded, the page behind it loads, and it closes', async () => {
    await tab('Ports').click()
    await page.getByRole('button', { name: '8080', exact: true }).click()
    const link = page.getByRole('link', { name: 'Open' })
    await link.waitFor()
    await expectAccessible(page)
    const popup = context.waitForEvent('page')
    await link.click()
    const inside = await popup
    await inside.getByRole('heading', { name: 'from the lease' }).waitFor()
    // As 127.0.0.1, where the cookie of this node is, no page of a lease stands.
    const asked = await inside.goto(inside.url().replace('localhost', '127.0.0.1'))
    expect(new URL(inside.url()).hostname).toBe('localhost')
    expect((await asked!.request().allHeaders())['cookie']).toBeUndefined()
    await inside.close()
    await page.getByRole('button', { name: 'Close port 8080' }).click()
    await page.getByRole('list', { name: 'Closed ports' }).waitFor()
  })

  test('a page of another port of this machine gets nowhere with the cookie of this browser', async () => {
    await using hostile = await serveHostilePage()
    const other = await context.newPage()
    await other.goto(hostile.url)
    const { seen, statuses, frame } = await attack(other, page.url(), id)
    const tried = ['read', 'write', 'socket', 'events', 'script'].map((name) => [name, 'refused'])
    expect(seen).toEqual({ ...Object.fromEntries(tried), cookie: '', opened: 'out of reach' })
    expect(statuses[`/v1/leases/ID/stop`]).toEqual([403, 403])
    expect(frame).toMatch(/^chrome-error:/)
    // The cookie that it planted stands before ours, and counts for nothing; one in place of ours ends the session.
    expect(await api('/v1/session')).toMatchObject({ kind: 'cookie', scope: 'operate' })
    expect((await api<Lease>(`/v1/leases/${id}`)).over).toBe(false)
    await other.goto(hostile.plantUrl)
    expect(await api('/v1/session')).toMatchObject({ code: 'REFUSED_CREDENTIAL' })
    await other.goto((await market.link()).url)
    for (const opened of context.pages()) if (opened !== page) await opened.close()
  })

  test('the charts move with what runs', async () => {
    await tab('Usage').click()
    const processor = page.getByRole('region', { name: 'Processor' })
    await expect
      .poll(async () => Number(/(\d+) %/.exec((await processor.textContent()) ?? '')?.[1] ?? 0), {
        timeout: WAIT_MS,
      })
      .toBeGreaterThan(5)
    const chart = processor.getByRole('img')
    const before = await chart.getAttribute('aria-label')
    await expect.poll(() => chart.getAttribute('aria-label'), { timeout: WAIT_MS }).not.toBe(before)
    await expectAccessible(page)
  })

  test('money: receipts that were verified, and their evidence as a file', async () => {
    await tab('Money').click()
    await page.getByText(/receipts?, verified/).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Evidence' }).click()
    expect((await readFile(await (await download).path())).length).toBeGreaterThan(100)
    await expectAccessible(page)
    await tab('Details').click()
    await page.getByText('Agreed for').waitFor()
    await expectAccessible(page)
  })

  test('money: the receipts are checked on demand; one that is wrong is shown at its place', async () => {
    await tab('Money').click()
    const check = page.getByRole('region', { name: 'Check of the receipts' })
    const press = () => page.getByRole('button', { name: 'Check the receipts' }).click()
    await press()
    await check.getByText('VALID', { exact: true }).waitFor()
    await check.getByText(/^\d+ in one chain: .*; none is final$/).waitFor()
    expect(await check.getByRole('listitem').count()).toBe(evidenceChecks.length)
    await expectAccessible(page)
    // The newest receipt is changed on its way into another page: in this one shells go on.
    await using elsewhere = await signedIn()
    const { page: other } = elsewhere
    await other.route(`**/v1/leases/${id}/receipts`, async (route) => {
      const response = await route.fetch()
      const answer = (await response.json()) as ReceiptsAnswer
      await route.fulfill({ response, json: { ...answer, evidence: spoilt(answer.evidence) } })
    })
    await other.goto(page.url())
    await other.getByRole('button', { name: 'Check the receipts' }).click()
    const found = other.getByRole('region', { name: 'Check of the receipts' })
    await found.getByText('INVALID', { exact: true }).waitFor()
    const said = await found.getByRole('listitem').last().textContent()
    const [, number] = /^receiptsat no. (\d+): ./.exec(said ?? '') ?? []
    // It stays marked, whatever comes after it.
    const marked = other.getByRole('row').filter({ hasText: 'wrong' }).getByRole('gridcell').first()
    await marked.waitFor()
    expect(await marked.textContent()).toBe(number)
    expect(await other.getByText(/receipts?, verified/).count()).toBe(0)
    await expectAccessible(other)
  })

  test('my node shows what is spent of a cap, and what is left of it', async () => {
    await using elsewhere = await signedIn()
    const { page: other } = elsewhere
    await other.goto(new URL('/node', page.url()).href)
    const spending = other.getByRole('region', { name: 'Spending' })
    const change = async (value: string): Promise<void> => {
      await spending.getByRole('button', { name: 'Change cap per day' }).click()
      await spending.getByRole('textbox', { name: 'Cap per day' }).fill(value)
      await other.keyboard.press('Enter')
    }
    await change('5')
    await spending.getByText('of 5 DEV a day').waitFor()
    await spending.getByText('Left', { exact: true }).waitFor()
    await expectAccessible(other)
    await change('0')
    await spending.getByText('all of it is taken (DEV)').waitFor()
    await change('')
    await spending.getByText('no cap', { exact: true }).waitFor()
  })

  test('it is extended for what was said before', async () => {
    const { durationMs } = await api<Lease>(`/v1/leases/${id}`)
    await page.getByRole('button', { name: 'Extend' }).click()
    await page.getByLabel('For how much longer').fill('0.25')
    await page.getByText('Costs at most').waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Enter')
    await page.getByText('It runs longer').waitFor()
    expect((await api<Lease>(`/v1/leases/${id}`)).durationMs).toBe(durationMs + 900_000)
  })

  test('on a phone nothing is wider than the screen', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    for (const name of ['Terminal', 'Logs', 'Files', 'Ports', 'Usage', 'Money']) {
      await tab(name).click()
      const width = () => page.evaluate('document.documentElement.scrollWidth')
      await expect.poll(width, { message: name, timeout: 5000 }).toBe(360)
    }
    await expectAccessible(page)
    await page.setViewportSize({ width: 1280, height: 800 })
  })

  test('the node is killed and comes back while a shell is open: it says so, and a new one opens', async () => {
    await tab('Terminal').click()
    await seen('answer-42')
    expect(complaints).toEqual([])
    await market.killRenter()
    await page.getByRole('alert').filter({ hasText: 'The node does not answer' }).waitFor()
    await page.getByText('This node went away, and the shell with it').waitFor()
    await market.startRenter()
    await page.getByRole('button', { name: 'Reconnect' }).click()
    await seen('a new shell')
    await expect.poll(() => page.locator('.term-notice').count(), { timeout: WAIT_MS }).toBe(0)
    await page.locator('.xterm-screen').click()
    await page.keyboard.type('echo again-$((20+3))\n')
    await seen('again-23')
  }, 240_000)

  test('it is stopped after what that costs was said; the page shows what it came to', async () => {
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Comes back').waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Stop it' }).click()
    await page.getByText(/You paid \d/).waitFor()
    await tab('Terminal').click()
    await page.getByRole('heading', { name: 'This lease is over' }).waitFor()
    await expectAccessible(page)
  })

  test('its miner is killed while one watches: the page says that nothing is known, and what that means', async () => {
    // The other miner's: that of the lease which has just ended is being offered anew.
    const before = (await api<{ items: Lease[] }>('/v1/leases')).items.map(({ miner }) => miner)
    const offer = (await offers()).find(({ host_id }) => !before.includes(host_id))
    await page.goto(new URL(`/rent/${offer!.id}`, page.url()).href)
    await page.getByRole('button', { name: 'Rent', exact: true }).click()
    await page.waitForURL(/\/leases\/[0-9a-f]{64}/)
    other = /[0-9a-f]{64}/.exec(page.url())![0]
    await screen().waitFor()
    await expect.poll(() => page.locator('.term-notice').count(), { timeout: WAIT_MS }).toBe(0)
    const { miner } = await api<Lease>(`/v1/leases/${other}`)
    process.kill(market.nodes.find(({ peerId }) => peerId === miner)!.pid, 'SIGKILL')
    await page.getByText('The connection to the miner broke').waitFor()
    await page.getByText('Its miner, or the engine there, does not answer').waitFor()
    await expectAccessible(page)
    await page.getByRole('link', { name: 'Leases' }).click()
    await page.getByRole('row').filter({ hasText: 'Silent' }).waitFor()
    await page.getByRole('row').filter({ hasText: 'Ended' }).waitFor()
    await expectAccessible(page)
  }, 240_000)
})
