import { registerHooks } from 'node:module'
import { atMost } from '../../src/at-most.ts'
import { sleep } from '../../src/clock.ts'
import { messageOf } from '../../src/errors.ts'
import { offerCodec } from '../../src/protocols/offers.ts'
import { openRecord, recordTypes } from '../../src/protocols/signed.ts'
import { type CrashPoint, crashPoint } from './crash-point.ts'
import type { TestMiner, TestRenter } from './lease-market.ts'

/** What a victim is told; seeds are of test keys. */
export interface Victim {
  readonly name: string
  readonly role: 'miner' | 'renter'
  readonly seed: number
  readonly folder: string
  /** The step behind which nothing of it goes on. */
  readonly at: CrashPoint
  /** Of a miner: what its terms allow. */
  readonly book?: {
    readonly creditMs: number
    readonly graceMs: number
    readonly receiptEveryMs: number
  }
  /** Of a renter: whether it stops its lease as soon as a receipt is countersigned. */
  readonly stops?: boolean
  /** Of a renter: the miner it rents from, and what that offers. */
  readonly miner?: { readonly addrs: readonly string[]; readonly offer: Uint8Array }
}

export interface VictimsOrder {
  readonly chain: { readonly url: string; readonly genesis: string }
  readonly victims: readonly Victim[]
}

/** What a victim says: it is up, it stands at its point and is to be killed, or something failed. */
export type VictimNews =
  | { readonly kind: 'up'; readonly name: string; readonly addrs: readonly string[] }
  | { readonly kind: 'there'; readonly name: string }
  | { readonly kind: 'failed'; readonly name: string; readonly reason: string }

// What these files owe to a test that runs them ends with this process.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'vitest'
      ? { url: 'data:text/javascript,export const onTestFinished = () => {}', shortCircuit: true }
      : next(specifier, context),
})
const { startMiner, startRenter, stopLease, take } = await import('./lease-market.ts')
const { testKey } = await import('./market.ts')
const { createNetwork } = await import('../../src/protocols/network.ts')
const { devLedger } = await import('../../src/chain/dev-ledger.ts')
const { createDockerEngine } = await import('../../src/containers/docker-engine.ts')
const { multiaddr } = await import('@multiformats/multiaddr')

const genesisOf = ({ genesis }: VictimsOrder['chain']): Uint8Array =>
  Uint8Array.from(Buffer.from(genesis.slice(2), 'hex'))
const networkOf = (chain: VictimsOrder['chain']) => createNetwork('local', 1, genesisOf(chain))

const say = (news: VictimNews): void => void process.send!(news)

// `fork(crash-victims.ts)`, then one message: nodes in one process, each of which stops dead at its point of the lease,
// with all that it wrote before. The test kills the process with SIGKILL when all of them are there.
process.once('message', (order: VictimsOrder) => {
  for (const victim of order.victims) {
    run(order, victim).catch((error) =>
      say({ kind: 'failed', name: victim.name, reason: messageOf(error) }),
    )
  }
})

/** Two cores start no more nodes at once within the network's patience. */
const some = atMost(3)

async function run(order: VictimsOrder, victim: Victim): Promise<void> {
  const renter = await some(() => start(order, victim))
  if (renter !== undefined) await rentIt(order, victim, renter)
}

/** Starts its node; resolves with it when it is a renter. */
async function start({ chain }: VictimsOrder, victim: Victim): Promise<TestRenter | undefined> {
  const { name, role, seed, folder, at } = victim
  const key = testKey(seed)
  const point = crashPoint(at, () => say({ kind: 'there', name }))
  const genesis = genesisOf(chain)
  const net = networkOf(chain)
  const { signal } = new AbortController()
  const rail = devLedger({ url: chain.url, genesis, key, signal })
  const ledger = { railOf: () => point.rail(rail) }
  if (role === 'miner') {
    const engine = point.engine(await createDockerEngine({ nodeId: key.peerId }))
    const { book } = victim
    const miner = await startMiner({
      key,
      net,
      ledger,
      engine,
      folder,
      ...(book === undefined ? {} : { book }),
    })
    point.records(miner.book.records)
    const addrs = miner.peer.libp2p.getMultiaddrs().map(String)
    say({ kind: 'up', name, addrs })
    return undefined
  }
  const { addrs } = victim.miner!
  const known = { peer: { libp2p: { getMultiaddrs: () => addrs.map((one) => multiaddr(one)) } } }
  const renter = await startRenter({
    key,
    net,
    ledger,
    folder,
    miners: [known as unknown as TestMiner],
  })
  point.records(renter.book.records)
  await rail.faucet()
  say({ kind: 'up', name, addrs: [] })
  return renter
}

async function rentIt({ chain }: VictimsOrder, victim: Victim, renter: TestRenter): Promise<void> {
  const net = networkOf(chain)
  const { offer } = victim.miner!
  const signed = openRecord(net, recordTypes.offer, offerCodec, offer)
  const order = { offer: signed, image: 'busybox:1.37', durationMs: 120_000 }
  const now = await take(renter, order)
  if (victim.stops !== true) return
  while (now.lease.acknowledgedSeq === 0) await sleep(50)
  await stopLease(renter, now)
}
