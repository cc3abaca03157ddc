import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { devBeacon, timeOf } from '../../src/beacon.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { silent } from '../../src/log.ts'
import { createAttestations } from '../../src/node/attestations.ts'
import { createEvents } from '../../src/node/events.ts'
import { createOwnTestimony } from '../../src/node/own-testimony.ts'
import { openStore } from '../../src/node/store.ts'
import { MAX_CHUNKS, type ReportRow } from '../../src/protocols/attestations.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const beacon = devBeacon(new Uint8Array(32).fill(5), 1000, 0)
const slots = slotNetworks.local
const SLOT = 24
const [own, miner] = [testKey(1), testKey(2)]
const of = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const gpu = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'cpu-0' }
const word = { openPulse: of(48, 3), pulseSignature: of(64, 4) }
const found = (id: string, verdict = 'SILENT') => ({ ...gpu, gpu: id, verdict })

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'own-testimony-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}
/** What one validator writes in a folder; a later one is the same after a restart. */
async function writer(path: string) {
  const store = await openStore(path)
  let isOpen = true
  const close = async (): Promise<void> => {
    if (isOpen) await store[Symbol.asyncDispose]()
    isOpen = false
  }
  onTestFinished(close)
  return { testimony: createOwnTestimony({ net, key: own, store }), close }
}
/** Another node's book, right after the slot. */
async function listener() {
  const store = await openStore(await folder())
  onTestFinished(() => store[Symbol.asyncDispose]())
  const nowMs = () => timeOf(beacon, SLOT + slots.commit)
  const core = { net, store, nowMs, log: silent, events: createEvents(nowMs) }
  const validators = { validators: () => [{ peerId: own.peerId, stake: 1n }] }
  return createAttestations(core, { beacon, slots, validators })
}

test('a report of as many devices as fit in it, each with an offer and heads, stays within the topic', async () => {
  const { testimony } = await writer(await folder())
  const row = (i: number): ReportRow => ({
    ...gpu,
    gpu: `gpu-${i}`,
    mode: 'idle',
    n: 32_768,
    bytes: 2 ** 40,
    passes: 1_000_000,
    steps: 1_000_000,
    checkpoints: 1_000_000,
    offer: {
      id: of(32, 7),
      asset: 'A'.repeat(16),
      price: '9'.repeat(30),
      atMs: Number.MAX_SAFE_INTEGER,
    },
    heads: { residency: of(32, 8), gemm: of(32, 9) },
  })
  const sealed = await testimony.report(
    SLOT,
    Array.from({ length: 256 }, (_, i) => row(i)),
  )
  const sizes = sealed.map(({ report }) => report.bytes.length)
  expect(sizes.length).toBeGreaterThan(1)
  for (const size of sizes) expect(size).toBeLessThanOrEqual(64 * 1024)
  // Few chunks all the same: none but the last has room for a tenth more.
  for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(56 * 1024)

  const book = await listener()
  for (const { commit, report } of sealed) {
    expect(await book.admit(commit)).toBe('accept')
    expect(await book.admit(report)).toBe('accept')
  }
  const [said] = book.slots()[0]!.testimony
  expect(said).not.toHaveProperty('unbound')
  expect(said!.report!.rows).toEqual(Array.from({ length: 256 }, (_, i) => row(i)))
})

test('a further verdict stands in a chunk of its own, so that it contradicts nothing, also after a restart', async () => {
  const path = await folder()
  const first = await writer(path)
  const before = await first.testimony.verdicts(SLOT, [found('cpu-0')], undefined)
  const looked = [found('cpu-1', 'UNAVAILABLE'), found('cpu-2', 'BAD_SHAPE')]
  // Two looks may end at once.
  const further = await Promise.all(
    looked.map((row) => first.testimony.furtherVerdict(SLOT, row, word)),
  )
  expect(further.map((record) => record!.payload.chunk)).toEqual([1, 2])
  await first.close()

  const second = await writer(path)
  const last = await second.testimony.furtherVerdict(SLOT, found('cpu-3'), word)
  expect(last!.payload).toMatchObject({ chunk: 3, ...word, rows: [found('cpu-3')] })
  const all = [...before, ...further.map((record) => record!), last!]
  const again = await second.testimony.verdicts(SLOT, [found('cpu-9')], undefined)
  expect(again.map(({ bytes }) => bytes)).toEqual(all.map(({ bytes }) => bytes))

  const book = await listener()
  for (const record of all) expect(await book.admit(record)).toBe('accept')
  const [said] = book.slots()[0]!.testimony
  expect(said!.equivocated).toBe(false)
  expect(said!.verdicts!.rows.map(({ gpu: id, verdict }) => `${id} ${verdict}`)).toEqual([
    'cpu-0 SILENT',
    'cpu-1 UNAVAILABLE',
    'cpu-2 BAD_SHAPE',
    'cpu-3 SILENT',
  ])
})

test('whoever has no chunk left says nothing more', async () => {
  const { testimony } = await writer(await folder())
  for (let chunk = 0; chunk < MAX_CHUNKS; chunk++) {
    const record = await testimony.furtherVerdict(SLOT, found(`cpu-${chunk}`), word)
    expect(record!.payload.chunk).toBe(chunk)
  }
  expect(await testimony.furtherVerdict(SLOT, found('cpu-64'), word)).toBeUndefined()
  // Another slot has chunks of its own.
  expect((await testimony.furtherVerdict(SLOT + 12, found('cpu-0'), word))!.payload.chunk).toBe(0)
})
