import { expect, test } from 'vitest'
import { answerLease } from '../../../src/node/leases/host-answers.ts'
import { hexOf } from '../../../src/node/leases/lease-records.ts'
import { escrowExpiryMs } from '../../../src/node/leases/rent-lease.ts'
import { createUnpaidHolds, strangersMayHold } from '../../../src/node/leases/unpaid-holds.ts'
import type { LeaseResponse } from '../../../src/protocols/lease.ts'
import type { Offer } from '../../../src/protocols/offers.ts'
import type { QuotaKey } from '../../../src/protocols/quota.ts'
import { leaseIdOf, openTerms, sealTerms } from '../../../src/protocols/terms.ts'
import { FakeEngine } from '../../support/fake-engine.ts'
import { FakeLedger } from '../../support/fake-ledger.ts'
import { net } from '../../support/lease.ts'
import {
  freshKey,
  market,
  offerOf,
  orderOf,
  startMiner,
  stopLease,
  type TestMiner,
  take,
} from '../../support/lease-market.ts'
import { until } from '../../support/peers.ts'

type Key = ReturnType<typeof freshKey>

const refused = (code: string) => expect.objectContaining({ code })
const PREFIX = '203.0.113.7'
const RATES = {
  peer: { burst: 2, everyMs: 1000 },
  prefix: { burst: 3, everyMs: 500 },
}

/** A peer that asks from an address of its own choice. */
const at = ({ peerId }: Key, prefix?: string): QuotaKey => ({ peerId, prefix })

/** Reserves `devices` of a miner, as the engine of requests hands it over. */
async function reserve(miner: TestMiner, from: QuotaKey, devices?: number, offer?: Partial<Offer>) {
  const answer: LeaseResponse = await answerLease(
    miner.book,
    {
      kind: 'reserve',
      offer: miner.offer(offer).bytes,
      nonce: new Uint8Array(16),
      durationMs: 60_000,
      image: 'busybox:1.37',
      authorized: [],
      ...(devices === undefined ? {} : { devices }),
    },
    from,
  )
  if (answer.kind !== 'quote') throw new Error('no quote')
  return openTerms(net, answer.terms, 'miner').payload
}

const accept = (miner: TestMiner, key: Key, terms: Awaited<ReturnType<typeof reserve>>) =>
  answerLease(
    miner.book,
    { kind: 'accept', terms: sealTerms(net, key, terms).bytes },
    { peerId: key.peerId, prefix: undefined },
  )

const deviceIds = ['gpu-0', 'gpu-1', 'gpu-2', 'gpu-3']
/** Offers of single devices of a machine with four, one per lot. */
async function fourDevices() {
  const ledger = new FakeLedger()
  const engine = new FakeEngine()
  const miner = await startMiner({ key: freshKey(), ledger, engine, devices: deviceIds })
  const [device] = offerOf(miner.key).devices
  const only = (...indexes: number[]): Partial<Offer> => ({
    devices: indexes.map((i) => ({ ...device!, id: deviceIds[i]! })),
    lot: indexes[0]!,
  })
  return { ledger, engine, miner, only }
}

test('reservations are rationed per peer and per address, come back with time, and with pay at once', () => {
  let now = 0
  const holds = createUnpaidHolds(() => now, RATES)
  const [a, b] = ['a', 'b'].map((peerId) => ({ peerId, prefix: PREFIX }))
  holds.spend(a!)
  holds.spend(a!)
  expect(() => holds.spend(a!)).toThrow(refused('REFUSED_QUOTA'))
  holds.spend(b!)
  expect(() => holds.spend({ peerId: 'fresh', prefix: PREFIX })).toThrow(refused('REFUSED_QUOTA'))
  holds.spend({ peerId: 'fresh', prefix: '203.0.113.8' })
  holds.spend({ peerId: 'here', prefix: undefined })
  holds.repay(b!)
  holds.spend({ peerId: 'fresh', prefix: PREFIX })
  now = 500
  expect(() => holds.spend(a!)).toThrow(refused('REFUSED_QUOTA'))
  now = 1000
  holds.spend(a!)
  holds.repay(a!)
  holds.repay(a!)
  holds.repay(a!)
  holds.repay(a!)
  for (let i = 0; i < 2; i++) holds.spend(a!)
  expect(() => holds.spend(a!)).toThrow(refused('REFUSED_QUOTA'))
})

test.each([
  [1, 0, 1, true],
  [8, 0, 8, true],
  [1, 3, 8, true],
  [1, 4, 8, false],
  [4, 1, 8, false],
  [1, 1, 1, false],
])('%i devices for a stranger while strangers hold %i of %i: %s', (wanted, held, all, may) =>
  expect(strangersMayHold(wanted, held, all)).toBe(may),
)

test('a peer that reserves and never pays is sent away, and holds nothing then', async () => {
  const { miner } = await market()
  const key = freshKey()
  for (let i = 0; i < 4; i++) await reserve(miner, at(key))
  await expect(reserve(miner, at(key))).rejects.toEqual(refused('REFUSED_QUOTA'))
  expect(miner.book.capacity.free()).toEqual(['cpu-0'])
  await reserve(miner, at(freshKey()))
})

test('fresh names from one address run out, names from elsewhere do not', async () => {
  const { miner } = await market()
  const lapse = () => {
    for (const now of miner.book.live.values()) Object.assign(now.terms, { acceptByMs: 1 })
  }
  for (let i = 0; i < 8; i++) {
    await reserve(miner, at(freshKey(), PREFIX))
    lapse()
  }
  await expect(reserve(miner, at(freshKey(), PREFIX))).rejects.toEqual(refused('REFUSED_QUOTA'))
  await reserve(miner, at(freshKey(), '203.0.113.8'))
})

test('strangers hold half of the machine at once, whatever their number; one alone may have it whole', async () => {
  const { miner, only } = await fourDevices()
  for (const i of [0, 1]) await reserve(miner, at(freshKey(), `203.0.113.${i}`), 1, only(i))
  for (const i of [2, 3]) {
    await expect(reserve(miner, at(freshKey(), `203.0.113.${i}`), 1, only(i))).rejects.toEqual(
      refused('REFUSED_NO_CAPACITY'),
    )
  }
  expect(miner.book.capacity.free()).toEqual(['gpu-2', 'gpu-3'])
  for (const now of miner.book.live.values()) Object.assign(now.terms, { acceptByMs: 1 })
  await reserve(miner, at(freshKey()), 4, only(0, 1, 2, 3))
  expect(miner.book.capacity.free()).toEqual([])
})

test('who has paid here before is in nobody’s way but its own', async () => {
  const { miner, renter } = await market()
  const now = await take(renter, orderOf(miner))
  await until(() => now.lease.acknowledgedSeq >= 1)
  await stopLease(renter, now)
  await until(() => miner.events().some(({ event }) => event === 'lease-settled'))
  const stranger = freshKey()
  const terms = await reserve(miner, at(stranger))
  expect(miner.book.capacity.free()).toEqual([])
  await expect(reserve(miner, at(freshKey()))).rejects.toBeDefined()
  const again = await take(renter, orderOf(miner))
  await until(() => again.lease.state === 'ACTIVE')
  await expect(accept(miner, stranger, terms)).rejects.toEqual(refused('REFUSED_UNKNOWN_LEASE'))
  await stopLease(renter, again)
  await until(() => miner.book.capacity.free().length === 1)
  // It lost its device to another, not by its own fault: nothing of its ration is gone.
  for (let i = 0; i < 4; i++) await reserve(miner, at(stranger))
})

test('who has paid before puts out nobody without a ration of its own, nor for what is taken anyway', async () => {
  const { miner, only } = await fourDevices()
  const payer = freshKey()
  await miner.book.payers.put(payer.peerId, Uint8Array.of(1))
  for (let i = 0; i < 4; i++) await reserve(miner, at(payer), 1, only(3))
  const stranger = freshKey()
  const terms = await reserve(miner, at(stranger), 1, only(0))
  await expect(reserve(miner, at(payer), 1, only(0))).rejects.toEqual(refused('REFUSED_QUOTA'))
  const other = freshKey()
  await miner.book.payers.put(other.peerId, Uint8Array.of(1))
  miner.book.capacity.adopt('a lease', ['gpu-1'])
  await expect(reserve(miner, at(other), 2, only(0, 1))).rejects.toEqual(
    refused('REFUSED_NO_CAPACITY'),
  )
  expect(await accept(miner, stranger, terms)).toMatchObject({ kind: 'status' })
  // What was refused cost nothing.
  for (const i of [2, 2, 2, 2]) await reserve(miner, at(other), 1, only(i))
})

test('who pays may reserve as often as it likes', async () => {
  const { miner, renter } = await market()
  for (let i = 0; i < 6; i++) {
    const now = await take(renter, orderOf(miner))
    await until(() => now.lease.state === 'ACTIVE')
    await stopLease(renter, now)
    await until(() => miner.book.capacity.free().length === 1)
  }
})

test('no image is pulled before both have signed and the money is there', async () => {
  const { miner, ledger, engine } = await fourDevices()
  const renter = freshKey()
  ledger.grant(renter, 10_000_000n)
  let looks = 0
  const { rail } = miner.book
  const { inspect } = rail!.escrow
  rail!.escrow.inspect = (leaseId) => {
    looks += 1
    return inspect(leaseId)
  }
  const offer = { devices: [{ ...offerOf(miner.key).devices[0]!, id: 'gpu-0' }] }
  const terms = await reserve(miner, at(renter), 1, offer)
  const leaseId = leaseIdOf(net, terms)
  expect(engine.pulls).toEqual([])
  await accept(miner, renter, terms)
  await until(() => looks >= 3)
  expect([engine.pulls, engine.containers.size]).toEqual([[], 0])
  const now = miner.book.live.get(hexOf(leaseId))!
  expect(now.lease.state).toBe('STARTING')
  expect(now.progress).toBe('waiting for the money')
  expect(now.hold).toMatchObject({ stranger: true })
  await ledger.railOf(renter).escrow.open({
    leaseId,
    miner: miner.key.publicKey,
    deposit: BigInt(terms.cap),
    expiresAtMs: escrowExpiryMs(terms),
  })
  await until(() => now.lease.state === 'ACTIVE')
  expect(engine.pulls).toEqual(['busybox:1.37'])
  expect(now.hold).toBeUndefined()
})
