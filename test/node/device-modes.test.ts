import { expect, test } from 'vitest'
import { ALWAYS_IDLE } from '../../src/gpu/proof-mode.ts'
import { createDeviceModes, wantedMode } from '../../src/node/device-modes.ts'
import { restoreLeases } from '../../src/node/leases/adopt.ts'
import { isOver } from '../../src/node/leases/lease-machine.ts'
import { FakeEngine } from '../support/fake-engine.ts'
import { FakeLedger } from '../support/fake-ledger.ts'
import {
  freshKey,
  orderOf,
  startMiner,
  startRenter,
  stopLease,
  type TestMiner,
  take,
  tempFolder,
} from '../support/lease-market.ts'
import { until } from '../support/peers.ts'

const modeIn = ({ book }: TestMiner) => wantedMode(book.live.values(), book.capacity.holds, 'cpu-0')

async function aMarket() {
  const [engine, ledger, key] = [new FakeEngine(), new FakeLedger(), freshKey()]
  const folder = await tempFolder()
  const options = { key, ledger, engine, folder, endOnStop: false }
  const miner = await startMiner(options)
  const renter = await startRenter({ key: freshKey(), ledger, miners: [miner] })
  ledger.grant(renter.key, 10_000_000n)
  return { miner, renter, again: () => startMiner(options) }
}

test('a lease turns its device leased and its end turns it idle; a restart in between changes nothing', async () => {
  const { miner, renter, again } = await aMarket()
  expect(modeIn(miner)).toBe('idle')
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.state === 'ACTIVE')
  expect(modeIn(miner)).toBe('leased')
  await miner.kill()
  const second = await again()
  expect(modeIn(second)).toBe('leased')
  await restoreLeases(second.book) // once more changes nothing
  expect(second.book.live.size).toBe(1)
  await renter.peer.libp2p.dial(second.peer.libp2p.getMultiaddrs())
  await stopLease(renter, now)
  await until(() => isOver(now.lease))
  await until(() => modeIn(second) === 'idle')
})

test('an exclusive lease turns it exclusive; a device that no lease names stays idle', async () => {
  const { miner, renter } = await aMarket()
  const offer = miner.offer({ exclusiveDph: '7.2' })
  const now = await take(renter, orderOf(miner, { offer, exclusive: true }))
  expect(now.terms).toMatchObject({ exclusive: true, pricePerHour: '7200000' })
  await until(() => modeIn(miner) === 'exclusive')
  const { book } = miner
  expect(wantedMode(book.live.values(), book.capacity.holds, 'cpu-1')).toBe('idle')
})

test('modes go on from what was announced before this node started, each change with its notice', () => {
  const clock = { nowMs: 100_000 }
  const wanted = { mode: 'leased' as 'leased' | 'idle' }
  const before = { mode: 'leased', fromMs: 50_000, before: 'idle' } as const
  const modes = createDeviceModes({
    wanted: () => wanted.mode,
    announced: (gpu) => (gpu === 'a' ? before : undefined),
    noticeMs: 5000,
    nowMs: () => clock.nowMs,
  })
  expect(modes.of('a')).toBe(before)
  expect(modes.of('b')).toEqual({ mode: 'leased', fromMs: 105_000, before: 'idle' })
  wanted.mode = 'idle'
  expect(modes.of('a')).toEqual({ mode: 'idle', fromMs: 105_000, before: 'leased' })
  expect(modes.of('b')).toMatchObject({ mode: 'leased' }) // its change does not count yet
  clock.nowMs = 105_000
  expect(modes.of('b')).toEqual({ mode: 'idle', fromMs: 110_000, before: 'leased' })
  expect(modes.of('c')).toBe(ALWAYS_IDLE)
})
