import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { buildConsole, isConsoleStale } from '../../scripts/build-console.mjs'
import { silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import { createControlClient } from '../../src/node/control/client.ts'
import { accessRoute } from '../../src/node/control/routes/access.ts'
import { consoleRoute } from '../../src/node/control/routes/console.ts'
import { eventsRoute } from '../../src/node/control/routes/events.ts'
import { startControl } from '../../src/node/control/server.ts'
import { type SignInLink, signInLink } from '../../src/node/control/sign-in-link.ts'
import { createEvents } from '../../src/node/events.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { manyOffers, testimonyAbout } from './many-offers.ts'

/** The control API's own server with the console, before a market of so many made-up offers and no node behind it. */
export interface FullMarket extends AsyncDisposable {
  link(): Promise<SignInLink>
}

export async function startFullMarket(offers: number): Promise<FullMarket> {
  if (isConsoleStale()) await buildConsole()
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'cn-full-market-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const net = createNetwork('local', 1, new Uint8Array(32).fill(7))
  const core = {
    config: configWith({ roles: ['renter'] }),
    net,
    peerId: '12D3KooWAJ8opzQu5yDe5i83mbYC9uL3qkWFQp6e3mWisDWmTMqQ',
    events: createEvents(Date.now),
  }
  const items = manyOffers(offers)
  const market = (app: FastifyInstance): void => {
    app.get('/v1/offers', async () => ({ items }))
    app.get<{ Querystring: { peer?: string } }>('/v1/attestations', async ({ query }) => ({
      items: testimonyAbout(items, query.peer ?? ''),
    }))
  }
  const control = stack.use(
    await startControl({
      parts: { core },
      routes: [accessRoute, eventsRoute, consoleRoute, market],
      socketPath: join(folder, 'control.sock'),
      tokenFile: join(folder, 'control.token'),
      log: silent,
    }),
  )
  const client = stack.use(createControlClient(control.socketPath))
  const owned = stack.move()
  return { link: () => signInLink(client), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
