import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { requireOrSkip } from './skips.ts'

const EXECUTABLE = '/usr/bin/chromium'

/** For `test.skipIf`: whether there is no Chromium. */
export const noBrowser = !requireOrSkip(
  existsSync(EXECUTABLE),
  `${EXECUTABLE} (apt-get install chromium)`,
)

/** A real Chromium without a window; dispose it with `close()`. Its own sandbox cannot run as root. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox'] })

/** Everything that a page complains of; empty is what a test wants. What the browser says of a refused request is no fault. */
export function complaintsOf(page: Page): string[] {
  const said: string[] = []
  page.on('pageerror', ({ message }) => said.push(message))
  page.on('console', (message) => {
    const isFault = message.type() === 'error' && !/Failed to load resource/.test(message.text())
    if (isFault) said.push(message.text())
  })
  return said
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')

interface AxeFinding {
  readonly id: string
  readonly impact: string | null
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[]
}

/** Asks axe what keeps people out of the page as it is; a test wants no serious finding. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe) // the debugger's words need no leave of the page's policy
  const { violations } = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] })',
  )) as { readonly violations: readonly AxeFinding[] }
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  expect(
    serious.map(({ id, nodes }) => [
      id,
      ...nodes.slice(0, 3).map((n) => n.failureSummary + n.html),
    ]),
  ).toEqual([])
}
