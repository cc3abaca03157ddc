import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'

/** A page of another port of 127.0.0.1, which browsers count as the same site, and show the same cookies. */
export interface HostilePage extends AsyncDisposable {
  readonly url: string
  /** Loading it sets a cookie in place of the one that browser has. */
  readonly plantUrl: string
}

/** Serves one. */
export async function serveHostilePage(): Promise<HostilePage> {
  const server = createServer(({ url }, response) => {
    if (url === '/plant') response.setHeader('set-cookie', 'cn_session=planted; HttpOnly; Path=/')
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>hostile</title>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    plantUrl: `${url}plant`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** What became of each attack: how the page saw it, and the statuses of answers that it could not see. */
export interface AttackOutcome {
  readonly seen: Readonly<Record<string, string>>
  readonly statuses: Readonly<Record<string, readonly number[]>>
  /** Where a frame of the console ended. */
  readonly frame: string
}

/** From a page that is open: tries to use the node's API with the cookie of this browser. */
export async function attack(page: Page, node: string, lease: string): Promise<AttackOutcome> {
  const statuses: Record<string, number[]> = {}
  const listen = (response: { url(): string; status(): number }): void => {
    const { origin, pathname } = new URL(response.url())
    if (origin !== new URL(node).origin || !pathname.startsWith('/v1/')) return
    const name = pathname.replace(lease, 'ID')
    statuses[name] = [...(statuses[name] ?? []), response.status()]
  }
  page.on('response', listen)
  try {
    const seen = (await page.evaluate(
      `(${ATTACKS})(${JSON.stringify({ node, lease })})`,
    )) as Record<string, string>
    return { seen, statuses, frame: page.frames().at(-1)?.url() ?? '' }
  } finally {
    page.off('response', listen)
  }
}

/** Runs in the page. */
const ATTACKS = `async ({ node, lease }) => {
  const at = (path) => new URL(path, node).href
  const stop = at('/v1/leases/' + lease + '/stop')
  const outcome = (promise) => promise.then(() => 'let through', () => 'refused')
  const first = (target, good) => new Promise((resolve) => {
    target.addEventListener(good, () => resolve('let through'))
    target.addEventListener('error', () => resolve('refused'))
  })
  document.cookie = 'cn_session=planted; path=/v1'
  const seen = {}
  seen.cookie = document.cookie
  seen.read = await outcome(fetch(at('/v1/session'), { credentials: 'include' }))
  await fetch(stop, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{}' }).catch(() => {})
  const json = { 'content-type': 'application/json' }
  const write = { method: 'POST', credentials: 'include', headers: json, body: '{"scope":"operate"}' }
  seen.write = await outcome(fetch(at('/v1/login-codes'), write))
  seen.socket = await first(new WebSocket(at('/v1/leases/' + lease + '/shell?request=%7B%7D').replace('http', 'ws')), 'open')
  const events = new EventSource(at('/v1/events'), { withCredentials: true })
  seen.events = await first(events, 'open')
  events.close()
  const script = Object.assign(document.createElement('script'), { src: at('/v1/offers') })
  document.head.append(script)
  seen.script = await first(script, 'load')
  const load = (frame) => new Promise((resolve) => {
    frame.addEventListener('load', resolve)
    document.body.append(frame)
  })
  const inside = document.createElement('iframe')
  inside.name = 'inside'
  await load(inside)
  const form = Object.assign(document.createElement('form'), { method: 'POST', action: stop, target: 'inside', enctype: 'text/plain' })
  document.body.append(form)
  const sent = new Promise((resolve) => inside.addEventListener('load', resolve))
  form.submit()
  await sent
  const opened = window.open(at('/leases'))
  for (let i = 0; i < 200 && opened !== null && !opened.closed; i++) await new Promise((r) => setTimeout(r, 50))
  seen.opened = opened === null || opened.closed ? 'out of reach' : 'in reach'
  await load(Object.assign(document.createElement('iframe'), { src: at('/') }))
  return seen
}`
