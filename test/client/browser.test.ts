import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunningNode } from '../../src/node/node.ts'
import { connect } from '../../src/node/sdk/connect.ts'
import { localNode } from '../support/local-node.ts'
import {
  bundledSdk,
  hasChromium,
  launchBrowser,
  type PageWithSdk,
  pageWithSdk,
} from '../support/sdk-page.ts'

test('the part for browsers is one small file without anything of Node', async () => {
  const code = await bundledSdk()
  expect(code).not.toMatch(/["']node:|__vite-browser-external|\bBuffer\b|(?<!-)\bprocess\./)
  expect(code.length).toBeLessThan(64 * 1024)
})

describe.skipIf(!hasChromium)('in a real browser', () => {
  let node: RunningNode
  let browser: Browser
  beforeAll(async () => {
    node = await localNode({ apiPort: 0 })
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await node?.[Symbol.asyncDispose]()
  })

  test('a token asks, streams events and hears refusals', async () => {
    const page = await pageWithSdk(browser, node.control.apiUrl!)
    const token = await readFile(join(node.parts.core.config.dataDir, 'control.token'), 'utf8')
    node.parts.core.events.emit('test-event', { a: 1 })
    const seen = await page.evaluate(async (given) => {
      const { sdk } = globalThis as unknown as PageWithSdk
      const connected = sdk.connect({ token: given })
      const { peerId } = await connected.status()
      const refused = await connected.offers.search('gpu_name=').catch((error) => error.code)
      for await (const event of connected.events({ event: 'test-event' })) {
        return { peerId, refused, event: event['a'] }
      }
      return undefined
    }, token.trim())
    const { peerId } = node.parts.core
    expect(seen).toEqual({ peerId, refused: 'BAD_CONFIG_QUERY', event: 1 })
  })

  test('a session cookie does as well; without either it is refused', async () => {
    await using here = await connect({ dataDir: node.parts.core.config.dataDir })
    const codes = { method: 'POST', path: '/v1/login-codes', body: {} } as const
    const { url } = await here.ask<{ readonly url: string }>(codes)
    const origin = node.control.apiUrl!
    const pages = [await pageWithSdk(browser, origin, url), await pageWithSdk(browser, origin)]
    const seen = pages.map((page) =>
      page.evaluate(() => {
        const { sdk } = globalThis as unknown as PageWithSdk
        const asked = sdk.connect().status()
        return asked.then(
          ({ peerId }) => peerId,
          (error) => error.code,
        )
      }),
    )
    expect(await Promise.all(seen)).toEqual([node.parts.core.peerId, 'REFUSED_CREDENTIAL'])
    const told = pages.map((page) => page.evaluate(firstWords, '/v1/leases/abcdef/forward?port=80'))
    expect(await Promise.all(told)).toEqual(['NOTHING_MATCHED', 'REFUSED_CREDENTIAL'])
  })
})

/** In a page: why a socket is refused, which no browser tells by itself. */
const firstWords = (path: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = new WebSocket(path, 'compute-node-1')
    socket.onmessage = ({ data }) => resolve(JSON.parse(data).error.code)
    socket.onclose = () => resolve('closed without a word')
  })
