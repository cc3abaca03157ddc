import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silent } from '../../src/log.ts'
import { createIdleSlots } from '../../src/node/idle-slots.ts'
import type { IdleSlot } from '../../src/node/scoring/leased.ts'
import { openStore } from '../../src/node/store.ts'
import { tempFolder } from '../support/lease-market.ts'

const slotAt = (slot: number): IdleSlot => ({ slot, units: 0.123456, gbps: 2900.5, tops: 700.25 })
const slotsOf = (known: ReadonlyMap<string, readonly IdleSlot[]>, gpu: string) =>
  known.get(gpu)?.map(({ slot }) => slot)
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

test('what a GPU showed when it was free outlives the testimony, and this node', async () => {
  const folder = join(await tempFolder(), 'store')
  let store = await openStore(folder)
  const idle = await createIdleSlots({ store, log: silent })
  idle.keep(new Map([['a', range(1, 20).map(slotAt)]]), { from: 1, oldest: 0 })
  expect(slotsOf(idle.all(), 'a')).toEqual(range(1, 20))
  // The window moves on: of what lies before it, as many stay as a lease is measured against.
  idle.keep(new Map([['a', range(15, 22).map(slotAt)]]), { from: 15, oldest: 0 })
  expect(slotsOf(idle.all(), 'a')).toEqual(range(7, 22))
  idle.keep(new Map([['b', [slotAt(30)]]]), { from: 30, oldest: 0 })
  expect(slotsOf(idle.all(), 'a')).toEqual(range(15, 22))
  await expect.poll(async () => (await store.bucket('idle-slots').keys().all()).length).toBe(2)
  await store[Symbol.asyncDispose]()
  store = await openStore(folder)
  const again = await createIdleSlots({ store, log: silent })
  expect(again.all().get('b')).toEqual([slotAt(30)])
  expect(slotsOf(again.all(), 'a')).toEqual(range(15, 22))
  // What is dead goes, and nothing else.
  again.keep(new Map(), { from: 40, oldest: 25 })
  expect([...again.all().keys()]).toEqual(['b'])
  await expect.poll(async () => await store.bucket('idle-slots').keys().all()).toEqual(['b'])
  await store[Symbol.asyncDispose]()
})
