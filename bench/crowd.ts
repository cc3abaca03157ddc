import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '../src/errors.ts'
import { silent } from '../src/log.ts'
import { createEvents } from '../src/node/events.ts'
import { loadIdentity } from '../src/node/identity.ts'
import { openShell } from '../src/node/leases/open-shell.ts'
import { createRentBook, type RentBook } from '../src/node/leases/rent-book.ts'
import { rentLease } from '../src/node/leases/rent-lease.ts'
import { openStore } from '../src/node/store.ts'
import { offerCodec } from '../src/protocols/offers.ts'
import { channels } from '../src/protocols/session.ts'
import { openRecord, recordTypes } from '../src/protocols/signed.ts'
import { MiB } from '../src/units.ts'
import { type Bench, median, quantile } from './support/bench.ts'
import { startChild } from './support/child.ts'
import type { CrowdMessage, CrowdMiner } from './support/crowd-miner.ts'
import { assertDocker, IMAGE } from './support/lease-market.ts'
import { benchNet, startPeer } from './support/peer.ts'

const LEASES = 50
const MINUTES = 10
const KEY_EVERY_MS = 1000
const LOOK_EVERY_MS = 2000
const COMMAND = ['sh', '-c', 'echo ready; exec sleep 86400']

export const bench: Bench = {
  name: 'crowd',
  measures: `${LEASES} leases with a shell each on one miner at once (a configuration of ${LEASES} processor devices, free, its renter known): a key a second in each for --minutes (${MINUTES}); how much miner and renter grow together`,
  targets: { failures: { atMost: 0 }, echoP99Ms: { atMost: 50 }, growthMiB: { atMost: 32 } },
  async run(progress, { minutes = MINUTES }) {
    await assertDocker()
    await using stack = new AsyncDisposableStack()
    const book = await startRenter(stack)
    const child = stack.use(startChild(join(import.meta.dirname, 'support/crowd-miner.ts')))
    const ask = <Answer>(message: CrowdMessage) => child.ask<Answer>(message)
    const start: CrowdMessage = { kind: 'start', devices: LEASES, payer: book.peerId }
    const miner = await ask<CrowdMiner>(start)
    stack.defer(async () => void (await ask({ kind: 'stop' })))
    await book.libp2p.dial(multiaddr(miner.address))
    const shells: Shell[] = []
    const opened = performance.now()
    for (const offer of miner.offers) {
      shells.push(await openOne(book, offer))
      if (shells.length % 10 === 0) progress(`${shells.length} shells are open`)
    }
    const openMs = (performance.now() - opened) / LEASES
    const memory: number[] = []
    const look = async (): Promise<void> => {
      const { memoryBytes } = await ask<{ memoryBytes: number }>({ kind: 'memory' })
      memory.push((memoryBytes + process.memoryUsage().rss) / MiB)
    }
    await typeEverywhere(shells, { minutes, look, progress })
    const tenth = Math.max(1, Math.floor(memory.length / 10))
    const echoes = shells.flatMap(({ echoesMs }) => echoesMs)
    return {
      figures: {
        failures: shells.reduce((sum, { failures }) => sum + failures.length, 0),
        echoP99Ms: quantile(echoes, 0.99),
        echoP50Ms: median(echoes),
        growthMiB: median(memory.slice(-tenth)) - median(memory.slice(tenth, 2 * tenth)),
        keys: echoes.length,
        openMs,
      },
      yardstick: { memoryMiB: memory.at(-1) ?? null, minutes },
    }
  },
}

type Renter = RentBook & { readonly libp2p: Awaited<ReturnType<typeof startPeer>>['libp2p'] }

async function startRenter(stack: AsyncDisposableStack): Promise<Renter> {
  const folder = await mkdtemp(join(tmpdir(), 'cn-bench-crowd-renter-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const { privateKey, recordKey, peerId } = await loadIdentity(join(folder, 'key'), silent)
  const peer = stack.use(await startPeer(privateKey))
  const store = stack.use(await openStore(join(folder, 'store')))
  const book = createRentBook({
    ...{ net: benchNet, key: recordKey, peerId, store, events: createEvents(Date.now) },
    ...{ log: silent, nowMs: Date.now, rpc: peer.rpc },
  })
  return Object.assign(book, { libp2p: peer.libp2p })
}

interface Shell {
  readonly echoesMs: number[]
  readonly failures: string[]
  /** Types a key and resolves when it was echoed, or after a while. */
  key(): Promise<void>
}

const MOST_MS = 10_000

async function openOne(book: Renter, offerHex: string): Promise<Shell> {
  const offer = openRecord(benchNet, recordTypes.offer, offerCodec, Buffer.from(offerHex, 'hex'))
  const now = await rentLease(book, { offer, image: IMAGE, durationMs: 3_600_000 })
  const failures: string[] = []
  const echoesMs: number[] = []
  const lease = { leaseId: now.lease.leaseId, miner: now.terms.miner }
  const ask = { kind: 'shell', command: COMMAND, env: {}, size: { columns: 80, rows: 24 } } as const
  const channel = await openShell(book, lease, ask, {
    signal: new AbortController().signal,
    onLost: () => void failures.push('lost'),
    onResumed: () => undefined,
  })
  let shown = Promise.withResolvers<void>()
  const read = async (): Promise<void> => {
    for await (const { channel: from } of channel.frames()) {
      if (from === channels.stdout) shown.resolve()
      else if (echoesMs.length > 0) failures.push('the command ended')
    }
  }
  read().catch((error) => failures.push(messageOf(error)))
  await shown.promise
  return {
    echoesMs,
    failures,
    async key() {
      shown = Promise.withResolvers<void>()
      const startMs = performance.now()
      await channel.send(channels.stdin, Buffer.from('x'))
      const late = Promise.withResolvers<'late'>()
      const timer = setTimeout(late.resolve, MOST_MS, 'late')
      if ((await Promise.race([shown.promise, late.promise])) === 'late') failures.push('no echo')
      clearTimeout(timer)
      echoesMs.push(performance.now() - startMs)
    },
  }
}

/** Every shell its key a second, spread over the second. */
async function typeEverywhere(
  shells: readonly Shell[],
  {
    minutes,
    look,
    progress,
  }: { minutes: number; look: () => Promise<void>; progress: (line: string) => void },
): Promise<void> {
  const endMs = performance.now() + minutes * 60_000
  const typing = shells.map(async (shell, n) => {
    await delay((n * KEY_EVERY_MS) / shells.length)
    for (let dueMs = performance.now(); dueMs < endMs; dueMs += KEY_EVERY_MS) {
      await delay(Math.max(0, dueMs - performance.now()))
      await shell.key()
    }
  })
  for (let looks = 0; performance.now() < endMs; looks++) {
    await look()
    if (looks % 30 === 29) progress(`${Math.round((endMs - performance.now()) / 1000)} s to go`)
    await delay(LOOK_EVERY_MS)
  }
  await Promise.all(typing)
}
