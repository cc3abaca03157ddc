import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import { transcriptId } from '../../src/gpu/transcript.ts'
import { fetchTranscript, keepFetchingTranscript } from '../../src/node/fetch-transcript.ts'
import { openStore } from '../../src/node/store.ts'
import { createTranscriptStore } from '../../src/node/transcript-store.ts'
import type { Rpc } from '../../src/protocols/rpc.ts'
import { CHUNK_BYTES, type TranscriptChunk } from '../../src/protocols/transcript.ts'

const content = Uint8Array.from({ length: 2 * CHUNK_BYTES + 17 }, (_, i) => i % 251)
const id = transcriptId(content)
const never = new AbortController().signal

async function store(limits = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'transcripts-'))
  const opened = await openStore(folder)
  onTestFinished(async () => {
    await opened[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const clock = { nowMs: 1_000_000 }
  return { transcripts: createTranscriptStore(opened, () => clock.nowMs, limits), clock }
}

/** A peer that answers chunk requests in its own way. */
const peer = (answer: (offset: number) => TranscriptChunk | Promise<TranscriptChunk>) => ({
  ask: (async (_protocol: unknown, _peer: unknown, request: { offset: number }) =>
    answer(request.offset)) as unknown as Rpc['ask'],
})
const fetchFrom = (rpc: Pick<Rpc, 'ask'>, maxBytes = content.length) =>
  fetchTranscript(rpc, { peer: 'p', id, maxBytes }, never)

test('a transcript comes back in chunks and is what its id names', async () => {
  const { transcripts } = await store()
  expect(await transcripts.put(content)).toEqual(id)
  const sizes: number[] = []
  const rpc = peer(async (offset) => {
    const chunk = await transcripts.chunk(id, offset)
    sizes.push(chunk.chunk.length)
    return chunk
  })
  expect(Buffer.compare(await fetchFrom(rpc), content)).toBe(0)
  expect(sizes).toEqual([CHUNK_BYTES, CHUNK_BYTES, 17])
})

test('an unknown transcript, or a place beyond its end, is NOTHING_MATCHED', async () => {
  const { transcripts } = await store()
  await transcripts.put(content)
  const nothing = { code: 'NOTHING_MATCHED_TRANSCRIPT' }
  await expect(transcripts.chunk(new Uint8Array(32), 0)).rejects.toMatchObject(nothing)
  await expect(transcripts.chunk(id, content.length)).rejects.toMatchObject(nothing)
})

test.each<[string, (offset: number) => TranscriptChunk]>([
  ['larger than allowed', () => ({ total: content.length + 1, chunk: content.subarray(0, 1) })],
  ['without any bytes', () => ({ total: content.length, chunk: new Uint8Array(0) })],
  ['longer than its length', () => ({ total: 8, chunk: content.subarray(0, 9) })],
  [
    'that changes its length',
    (offset) => ({ total: offset === 0 ? 9 : 8, chunk: content.subarray(0, 1) }),
  ],
  ['of other content', () => ({ total: 8, chunk: content.subarray(0, 8) })],
])('a peer that serves a transcript %s is told apart', async (_, answer) => {
  await expect(fetchFrom(peer(answer))).rejects.toMatchObject({ code: 'PEER_BAD_TRANSCRIPT' })
})

test('old ones are forgotten after a day, and the oldest first beyond the budget', async () => {
  const { transcripts, clock } = await store({ keptMs: 1000, budgetBytes: 25 })
  const ids: Uint8Array[] = []
  for (const i of [1, 2, 3]) {
    clock.nowMs += 100
    ids.push(await transcripts.put(new Uint8Array(10).fill(i)))
  }
  const left = async () => {
    const found = await Promise.all(ids.map((one) => transcripts.get(one)))
    return found.map((one) => one !== undefined)
  }
  await transcripts.sweep()
  expect(await left()).toEqual([false, true, true])
  expect(await transcripts.get(ids[1]!)).toBeDefined() // the one asked for last goes like any other
  clock.nowMs += 950
  await transcripts.sweep()
  expect(await left()).toEqual([false, false, true])
})

test('one miner never pushes out what others opened, nor what it copies of them', async () => {
  const { transcripts, clock } = await store({ keptMs: 1_000_000, budgetBytes: 50 })
  const of = (n: number): Uint8Array => new Uint8Array(10).fill(n)
  const own = await transcripts.put(of(1))
  const honest = await transcripts.put(of(2), 'honest')
  expect(await transcripts.put(of(2), 'flooder')).toEqual(honest)
  const flood: Uint8Array[] = []
  for (let i = 10; i < 30; i++) {
    clock.nowMs += 1
    flood.push(await transcripts.put(of(i), 'flooder'))
  }
  await transcripts.sweep()
  expect(await transcripts.get(own)).toBeDefined()
  expect(await transcripts.get(honest)).toBeDefined()
  const left = await Promise.all(flood.map((one) => transcripts.get(one)))
  expect(left.map((one) => one !== undefined)).toEqual([...Array(17).fill(false), true, true, true])
  // Once nobody holds it, it is gone: so what the flooder copied did count as its own.
  await transcripts.put(of(2), 'honest')
  clock.nowMs += 1_000_000
  await transcripts.sweep()
  expect(await transcripts.get(honest)).toBeUndefined()
})

test('a line that breaks in the middle is asked again; what is not what it should be is not, nor beyond the end', async () => {
  const wanted = { peer: 'p', id, maxBytes: content.length }
  const lost = new NodeError('PEER_LOST', 'the line broke')
  let asked = 0
  const flaky = peer((offset) => {
    if (++asked === 2 || asked === 3) throw lost
    return { total: content.length, chunk: content.subarray(offset, offset + CHUNK_BYTES) }
  })
  expect(await keepFetchingTranscript(flaky, wanted, never, 1)).toEqual(content)
  expect(asked).toBe(1 + 1 + 1 + 3)

  asked = 0
  const liar = peer(() => {
    asked++
    return { total: content.length + 1, chunk: content }
  })
  const bad = { code: 'PEER_BAD_TRANSCRIPT' }
  await expect(keepFetchingTranscript(liar, wanted, never, 1)).rejects.toMatchObject(bad)
  expect(asked).toBe(1)

  const ends = new AbortController()
  const gone = peer(() => {
    setImmediate(() => ends.abort())
    throw lost
  })
  await expect(keepFetchingTranscript(gone, wanted, ends.signal, 60_000)).rejects.toBe(lost)
})
