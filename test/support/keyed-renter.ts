import { registerHooks } from 'node:module'
import { join } from 'node:path'
import type { RentBook } from '../../src/node/leases/rent-book.ts'
import type { Offers } from '../../src/node/offers.ts'
import type { TestMiner } from './lease-market.ts'

/** What such a renter is told; the offer as its miner signed it. */
export interface KeyedRenterOrder {
  readonly seed: number
  readonly folder: string
  readonly addrs: readonly string[]
  readonly offer: Uint8Array
  /** Whether nothing of it goes on once a miner has agreed; it says `there` then. */
  readonly stopsDead: boolean
}

// What these files owe to a test that runs them ends with this process.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'vitest'
      ? { url: 'data:text/javascript,export const onTestFinished = () => {}', shortCircuit: true }
      : next(specifier, context),
})
const { startRenter } = await import('./lease-market.ts')
const { testKey } = await import('./market.ts')
const { net } = await import('./lease.ts')
const { startControl } = await import('../../src/node/control/server.ts')
const { leasesRoute } = await import('../../src/node/control/routes/leases.ts')
const { leaseLifeRoute } = await import('../../src/node/control/routes/lease-life.ts')
const { offerCodec } = await import('../../src/protocols/offers.ts')
const { openRecord, recordTypes } = await import('../../src/protocols/signed.ts')
const { silent } = await import('../../src/log.ts')
const { multiaddr } = await import('@multiformats/multiaddr')

/** A renter in a process of its own, whose control API answers on `control.sock` of its folder, until it is killed. */
process.once('message', async ({ seed, folder, addrs, offer, stopsDead }: KeyedRenterOrder) => {
  const known = { peer: { libp2p: { getMultiaddrs: () => addrs.map((one) => multiaddr(one)) } } }
  const miners = [known as unknown as TestMiner]
  const { book } = await startRenter({ key: testKey(seed), folder, miners })
  if (stopsDead) stopWhenAgreed(book)
  const record = openRecord(net, recordTypes.offer, offerCodec, offer)
  const offers = { search: () => [{ record, facts: {} }], find: () => record } as unknown as Offers
  await startControl({
    parts: { renting: book, offers },
    routes: [leasesRoute, leaseLifeRoute],
    socketPath: join(folder, 'control.sock'),
    tokenFile: join(folder, 'control.token'),
    keys: { bucket: book.store.bucket('idempotency'), secret: new Uint8Array(32) },
    log: silent,
  })
  process.send!('up')
})

/** What the miner said is not written down any more. */
function stopWhenAgreed({ records }: RentBook): void {
  const put = records.putWithReceipts.bind(records)
  Object.assign(records, {
    async putWithReceipts(...[lease, receipts]: Parameters<typeof put>) {
      if (lease.state === 'QUOTED') return put(lease, receipts)
      process.send!('there')
      return new Promise(() => undefined)
    },
  })
}
