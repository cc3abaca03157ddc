import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { build, type Rollup } from 'vite'
import type { connect } from '../../src/client/browser.ts'
import { requireOrSkip } from './skips.ts'

const CHROMIUM = '/usr/bin/chromium'
export const hasChromium = requireOrSkip(existsSync(CHROMIUM), 'Chromium')

/** What a page of these tests has as `window.sdk`. */
export interface PageWithSdk {
  readonly sdk: { readonly connect: typeof connect }
}

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })

/** What a page loads of `compute-node/browser`; throws unless that is one file without imports. */
export async function bundledSdk(): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      lib: { entry: join(import.meta.dirname, '../../src/client/browser.ts'), formats: ['es'] },
    },
  })) as Rollup.RollupOutput[]
  const [chunk, ...others] = built.flatMap(({ output }) => output)
  if (chunk?.type === 'chunk' && others.length === 0 && chunk.imports.length === 0)
    return chunk.code
  throw new Error('one file without imports was expected')
}

/** A page of a node's own origin with the module, in a context of its own; `first` is opened before it, e.g. to sign in. */
export async function pageWithSdk(browser: Browser, origin: string, first?: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  if (first !== undefined) await page.goto(first)
  await loadSdk(page, origin)
  return page
}

/**
 * Gives a page the module. Its document comes from the node: one that a test made up has no address, and Chromium opens
 * no WebSocket from it to this machine (ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS).
 */
export async function loadSdk(page: Page, origin: string): Promise<void> {
  const body = await bundledSdk()
  await page.route(`${origin}/sdk.js`, (route) =>
    route.fulfill({ contentType: 'text/javascript', body }),
  )
  await page.goto(`${origin}/healthz`)
  // As text: vitest rewrites an import in code.
  await page.evaluate(`import('${origin}/sdk.js').then((sdk) => { globalThis.sdk = sdk })`)
}
