import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { devBeacon, timeOf } from '../../src/beacon.ts'
import { silent } from '../../src/log.ts'
import { createEvents, type NodeEvent } from '../../src/node/events.ts'
import { createFalseWitnesses } from '../../src/node/false-witnesses.ts'
import { openStore } from '../../src/node/store.ts'
import { hoursMs } from '../../src/units.ts'
import { testKey } from '../support/market.ts'

const beacon = devBeacon(new Uint8Array(32).fill(5), 1000, 0)
const SLOT = 24
const [liar, honest] = [testKey(1).peerId, testKey(2).peerId]

/** What one node finds, in a folder that a later one may go on with. */
async function finder(path: string, nowMs = timeOf(beacon, SLOT)) {
  const store = await openStore(path)
  let isOpen = true
  const close = async (): Promise<void> => {
    if (isOpen) await store[Symbol.asyncDispose]()
    isOpen = false
  }
  onTestFinished(close)
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const events = createEvents(() => nowMs)
  const seen: NodeEvent[] = []
  events.subscribe((event) => seen.push(event), life.signal)
  const core = { store, nowMs: () => nowMs, events, log: silent }
  return { witnesses: await createFalseWitnesses(core, beacon), seen, store, close }
}
async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'false-witnesses-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

test('a false witness counts in its slot alone, is told once, and is known after a restart', async () => {
  const path = await folder()
  const first = await finder(path)
  expect(first.witnesses.isFalse(SLOT, liar)).toBe(false)
  const before = first.witnesses.revision()
  for (let times = 0; times < 2; times++) await first.witnesses.add(SLOT, liar)
  expect(first.witnesses.revision()).toBe(before + 1)
  expect(first.seen).toMatchObject([{ event: 'false-witness', slot: SLOT, validator: liar }])
  await first.close()

  const second = await finder(path)
  expect(second.witnesses.isFalse(SLOT, liar)).toBe(true)
  expect(second.witnesses.isFalse(SLOT + 12, liar)).toBe(false)
  expect(second.witnesses.isFalse(SLOT, honest)).toBe(false)
  await second.witnesses.add(SLOT, liar)
  expect(second.seen).toEqual([])
})

test('what is too old for any score is forgotten, on disk too', async () => {
  const path = await folder()
  const first = await finder(path)
  await first.witnesses.add(SLOT, liar)
  await first.close()

  const kept = await finder(path, timeOf(beacon, SLOT) + hoursMs(24 * 17))
  expect(kept.witnesses.isFalse(SLOT, liar)).toBe(true)
  await kept.close()

  const later = await finder(path, timeOf(beacon, SLOT) + hoursMs(24 * 19))
  expect(later.witnesses.isFalse(SLOT, liar)).toBe(false)
  expect(await Array.fromAsync(later.store.bucket('false-witnesses').keys())).toEqual([])
})
