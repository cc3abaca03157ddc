import { expect, test } from 'vitest'
import { ALWAYS_IDLE, type ProofMode } from '../../src/gpu/proof-mode.ts'
import { createDeviceModes, type FillStandings, wantedMode } from '../../src/node/device-modes.ts'
import { restoreLeases } from '../../src/node/leases/adopt.ts'
import { isOver } from '../../src/node/leases/lease-machine.ts'
import { FakeEngine } from '../support/fake-engine.ts'
import { FakeLedger } from '../support/fake-ledger.ts'
import {
  freshKey,
  meet,
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
  await meet(renter, second)
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

const NOTICE_MS = 5000
const ENTRY_MS = 8000

/** Devices with one clock, which hold what the test says. */
function modesOf(over: Partial<FillStandings> = {}) {
  const clock = { nowMs: 100_000 }
  const held = new Set<string>()
  const control = { wanted: 'idle' as ProofMode, keeps: true, isFillDue: true }
  const modes = createDeviceModes({
    wanted: () => control.wanted,
    fills: {
      proves: () => true,
      holds: (gpu, mode) => held.has(`${gpu} ${mode}`),
      keeps: () => control.keeps,
      nextSlotMs: () => clock.nowMs + 1000,
      isFillDue: () => control.isFillDue,
      ...over,
    },
    noticeMs: NOTICE_MS,
    entryMs: ENTRY_MS,
    nowMs: () => clock.nowMs,
  })
  return { clock, held, control, modes }
}

test('a device is announced once it holds its fill, and counts from its notice on', () => {
  const { modes, held, clock, control } = modesOf()
  expect(modes.of('a')).toBeUndefined()
  expect(modes.fillOf('a', clock.nowMs)).toBe('idle')
  held.add('a idle')
  const entered = { mode: 'idle', fromMs: 108_000, before: 'filling' }
  expect(modes.of('a')).toEqual(entered)
  clock.nowMs += 60_000
  expect(modes.of('a')).toEqual(entered)
  control.keeps = false
  expect(modes.of('a')).toBeUndefined() // it lost its fill
  control.keeps = true
  expect(modes.of('a')).toMatchObject({ before: 'filling', fromMs: clock.nowMs + ENTRY_MS })
})

test('a device that loses its fill before it counts is announced no more', () => {
  const { modes, held, control } = modesOf()
  held.add('a idle')
  expect(modes.of('a')).toBeDefined()
  held.clear()
  control.keeps = false
  expect(modes.of('a')).toBeUndefined()
})

test('between two fills of an epoch no slot counts: it is filled only when none asks for the fill before', () => {
  const { modes, held, clock, control } = modesOf()
  held.add('a idle')
  modes.of('a')
  clock.nowMs += ENTRY_MS
  control.wanted = 'leased'
  expect(modes.of('a')).toEqual({ mode: 'filling', fromMs: 113_000, before: 'idle' })
  expect(modes.fillOf('a', 112_999)).toBe('idle')
  expect(modes.fillOf('a', 113_000)).toBe('leased')
  clock.nowMs = 113_000
  expect(modes.of('a')).toMatchObject({ mode: 'filling' })
  held.add('a leased')
  expect(modes.of('a')).toEqual({ mode: 'leased', fromMs: 118_000, before: 'filling' })
  // What is announced to count soon is kept, whatever is wanted meanwhile.
  control.wanted = 'idle'
  expect(modes.fillOf('a', 115_000)).toBe('leased')
  expect(modes.of('a')).toMatchObject({ mode: 'leased' })
})

test('a change whose slots have a fill of their own anyway needs no break', () => {
  const { modes, held, clock, control } = modesOf()
  held.add('a idle')
  modes.of('a')
  clock.nowMs += ENTRY_MS
  control.isFillDue = false
  control.wanted = 'leased'
  expect(modes.of('a')).toEqual({ mode: 'leased', fromMs: 113_000, before: 'idle' })
})

test('an exclusive device holds nothing, and is filled before it is idle again', () => {
  const { modes, held, clock, control } = modesOf()
  control.wanted = 'exclusive'
  expect(modes.of('a')).toMatchObject({ mode: 'exclusive', before: 'filling' })
  expect(modes.fillOf('a', clock.nowMs)).toBeUndefined()
  clock.nowMs += ENTRY_MS
  control.wanted = 'idle'
  expect(modes.of('a')).toMatchObject({ mode: 'exclusive' })
  expect(modes.fillOf('a', clock.nowMs)).toBe('idle')
  held.add('a idle')
  expect(modes.of('a')).toEqual({ mode: 'idle', fromMs: 113_000, before: 'exclusive' })
})

test('what nothing proves is announced at once', () => {
  const { modes, control } = modesOf({ proves: () => false })
  expect(modes.of('c')).toBe(ALWAYS_IDLE)
  control.wanted = 'leased'
  expect(modes.of('c')).toMatchObject({ mode: 'leased', before: 'idle' })
})
