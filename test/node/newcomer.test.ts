import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { devBeacon, timeOf } from '../../src/beacon.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { silent } from '../../src/log.ts'
import { createAttestations } from '../../src/node/attestations.ts'
import { joinBooks, judgeFor } from '../../src/node/books.ts'
import { createEvents } from '../../src/node/events.ts'
import { createFrauds, type FraudNeeds } from '../../src/node/fraud/fraud-book.ts'
import { equivocationOf } from '../../src/node/fraud/make-fraud.ts'
import { createScores } from '../../src/node/scores.ts'
import { pullFrom } from '../../src/node/services/sync-books.ts'
import { openStore } from '../../src/node/store.ts'
import { createSyncCursors } from '../../src/node/sync-cursors.ts'
import {
  attestationsTopic,
  reportHash,
  sealReport,
  sealReportCommit,
  sealVerdicts,
} from '../../src/protocols/attestations.ts'
import { sealTick } from '../../src/protocols/challenge.ts'
import { sealFraud } from '../../src/protocols/fraud.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { noticesTopic } from '../../src/protocols/offers.ts'
import type { Rpc } from '../../src/protocols/rpc.ts'
import { type SyncRequest, syncPage } from '../../src/protocols/sync.ts'
import { KiB, minutesMs } from '../../src/units.ts'
import { testKey } from '../support/market.ts'

const net = createNetwork('finney', 51, new Uint8Array(32).fill(7))
const slots = slotNetworks.finney
const beacon = devBeacon(new Uint8Array(32).fill(5), slots.roundMs, 0)
const [alice, bob, miner] = [testKey(1), testKey(2), testKey(3)]
const validators = {
  validators: () => [alice, bob].map(({ peerId }) => ({ peerId, stake: 10n })),
}
const gpu = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'gpu-0' }
const of = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
/** A whole window of scores, at the mean distance of slots: three days. */
const played = Array.from({ length: 96 }, (_, i) => 9000 + i * slots.denominator)
const endMs = timeOf(beacon, played.at(-1)! + slots.end) + minutesMs(30)

/** One node's books and scores, from a moment on. */
async function node(startMs: number) {
  const folder = await mkdtemp(join(tmpdir(), 'cn-newcomer-'))
  const store = await openStore(folder)
  onTestFinished(async () => {
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  let now = startMs
  const nowMs = () => now
  const core = { net, key: alice, store, events: createEvents(nowMs), log: silent, nowMs }
  const attestations = await createAttestations(core, { beacon, slots, validators })
  const frauds = await createFrauds({
    ...{ core, attestations, beacon, slots, validators },
    isBound: (peerId: string) => peerId === miner.peerId,
  } as unknown as FraudNeeds)
  const about = { core, attestations, frauds, beacon, validators, block: () => undefined }
  return {
    core,
    scores: createScores(about),
    books: joinBooks([...attestations.books, frauds.book]),
    attestations,
    at(ms: number) {
      now = ms
    },
  }
}
type Node = Awaited<ReturnType<typeof node>>

/** What both validators say of a slot, in the order and at the times of gossip. */
async function live(there: Node, slot: number, index: number): Promise<void> {
  const hear = async (bytes: Uint8Array): Promise<void> => {
    const book = there.books.find(({ topic }) => topic === attestationsTopic)!
    expect(await judgeFor(book, net, bytes, 'peer')).toBe('accept')
  }
  // Work differs from slot to slot, so that a score that lacks any of them is another one.
  const counts = { passes: 100 + index, steps: 20 + (index % 7) }
  for (const key of [alice, bob]) {
    const sized = { ...gpu, mode: 'idle', n: 16_384, bytes: 16 * 2 ** 30, ...counts }
    const report = { slot, chunk: 0, salt: of(32, index), rows: [sized] }
    there.at(timeOf(beacon, slot + 8))
    const hash = reportHash(net, key.publicKey, report)
    await hear(sealReportCommit(net, key, { slot, chunk: 0, hash }).bytes)
    there.at(timeOf(beacon, slot + slots.reveal))
    await hear(sealReport(net, key, report).bytes)
    const row = { ...gpu, verdict: 'VALID', openings: of(32, 1), witness: of(32, 2) }
    const heads = { residency: of(32, 3), gemm: of(32, 4) }
    const batch = { slot, chunk: 0, pulseSignature: of(64, 5), rows: [{ ...row, heads }] }
    await hear(sealVerdicts(net, key, batch).bytes)
  }
}

/** Two tales of the miner in a slot. */
const tales = (slot: number) => {
  const [a, b] = [1, 2].map((count) => {
    const tick = { slot, gpu: 'gpu-0', work: 'gemm', k: 1, count, head: of(32, count) } as const
    return sealTick(net, miner, tick).bytes
  })
  return equivocationOf(net, a!, b!)
}

test('a newcomer computes the score of who was there all along, from pages of others', async () => {
  const old = await node(timeOf(beacon, played[0]!) - 1000)
  const convicted = played[5]!
  for (const [index, slot] of played.entries()) {
    await live(old, slot, index)
    if (slot !== convicted) continue

    const book = old.books.find(({ topic }) => topic === noticesTopic)!
    const { bytes } = sealFraud(net, bob, tales(slot))
    expect(await judgeFor(book, net, bytes, 'peer')).toBe('accept')
  }
  old.at(endMs)
  const expected = old.scores.current()
  expect(expected).toMatchObject({ slots: 96, from: played[0] })
  expect([...expected.miners.values()][0]!.gpus[0]).toMatchObject({ ok: 95, failed: 1 })

  const late = await node(endMs)
  let pages = 0
  const rpc = {
    ask: async (_: unknown, __: unknown, asked: SyncRequest) => {
      const book = old.books.find(({ topic }) => topic.name === asked.topic)!
      pages += 1
      return syncPage(book.records, { ...asked, maxBytes: 32 * KiB })
    },
  } as unknown as Rpc
  const core = late.core as unknown as Parameters<typeof pullFrom>[0]['core']
  const cursors = await createSyncCursors(late.core)
  const { signal } = new AbortController()
  await pullFrom({ core, rpc, books: late.books, cursors }, 'peer', signal)
  expect(pages).toBeGreaterThan(4)
  expect(late.scores.current()).toEqual(expected)
})

test('who was there takes nothing of a slot after a day, nor anybody of one beyond the window', async () => {
  const slot = played[0]!
  const said = sealVerdicts(net, alice, { slot, chunk: 0, rows: [{ ...gpu, verdict: 'SILENT' }] })
  const longPast = { ignore: 'a slot long past' }
  const hours = (n: number): number => timeOf(beacon, slot) + n * minutesMs(60)
  const there = await node(hours(0))
  there.at(hours(25))
  expect(await there.attestations.admit(said)).toEqual(longPast)
  expect(await (await node(hours(25))).attestations.admit(said)).toBe('accept')
  expect(await (await node(hours(24 * 7))).attestations.admit(said)).toEqual(longPast)
})
