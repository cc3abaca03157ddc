import { encode } from 'cborg'
import { afterAll, expect, test } from 'vitest'
import { QUICKNET } from '../../src/beacon.ts'
import { hashState } from '../../src/gpu/locality-proof.ts'
import { FILL_UNIT_BYTES } from '../../src/gpu/resident-fill.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import {
  announcementOf,
  beaconOf,
  decodeTranscript,
  differsIn,
  encodeTranscript,
  type Transcript,
  transcriptId,
  transcriptMaxBytes,
} from '../../src/gpu/transcript.ts'
import { createVerifier } from '../../src/gpu/verifier.ts'
import { silent } from '../../src/log.ts'
import { honestProof, told } from '../support/proof.ts'

function without({ locality: _, ...rest }: Transcript): object {
  return rest
}

const verifier = createVerifier(silent)
afterAll(() => verifier[Symbol.asyncDispose]())
const fill = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const gpu = {
  genesis: fill(1),
  netuid: 2,
  hotkey: fill(3),
  peerId: 'p',
  gpuId: 'cpu-0',
  n: 256,
  bytes: 3 * FILL_UNIT_BYTES,
}
const counted = { passes: 6, steps: 5, checkpoints: 3 }
const { transcript, statements, finals, pulses } = await honestProof(
  gpu,
  24,
  counted,
  (tick) => tick.head,
)
const content = encodeTranscript(transcript)
const limits = slotNetworks.local
const check = (bytes: Uint8Array, expected: Partial<Transcript> = { peerId: 'p', slot: 24 }) =>
  verifier.check({ content: bytes, statements, limits, expected, hopsPulse: told(pulses.hops) })
const changed = (over: Partial<Transcript>) => encodeTranscript({ ...transcript, ...over })
const { residency, gemm } = transcript
const locality = transcript.locality!
const flip = (bytes: Uint8Array, at: number) => bytes.map((b, i) => (i === at ? b ^ 1 : b))

test('it reads back as written, under one id, and no larger than foretold', () => {
  expect(decodeTranscript(content)).toEqual(transcript)
  expect(announcementOf(transcript)).toEqual(gpu)
  expect(transcriptId(content)).not.toEqual(transcriptId(changed({ slot: 25 })))
  const most = transcriptMaxBytes(limits, gpu, { residency: 6, gemm: 5, locality: 3 })
  expect(content.length).toBeLessThanOrEqual(most)
  expect(content.length).toBeGreaterThan(most - 4096)
  // Who heard of no locality chain takes one of any size all the same.
  const unheard = transcriptMaxBytes(limits, gpu, { residency: 6, gemm: 5 })
  expect(unheard).toBe(most + 32 * (limits.locality.maxCheckpoints - 3) + 32)
})

test('the most it can have is bounded, whatever a Final claims', () => {
  const huge = { residency: 1e9, gemm: 1e9, locality: 1e9 }
  const real = slotNetworks.finney
  expect(transcriptMaxBytes(real, { n: 32_768, bytes: 2 ** 40 }, huge)).toBeLessThan(2 ** 25)
  expect(transcriptMaxBytes(real, { n: 2048, bytes: FILL_UNIT_BYTES }, huge)).toBeGreaterThan(0)
})

test('an honest one verifies in the thread, and gives back the signed Finals', async () => {
  const result = await check(content)
  expect(result).toMatchObject({ ok: true, dots: 5 * 52 * 52, pages: 6 * 11 })
  if (!result.ok) throw new Error('not ok')
  expect(Buffer.from(result.finals.gemm)).toEqual(Buffer.from(finals.gemm.head))
  expect(Buffer.from(result.finals.residency)).toEqual(Buffer.from(finals.residency.head))
  expect(result.heads.residency).toHaveLength(2)
  expect(result.heads.gemm).toHaveLength(2)
})

test.each<[string, Uint8Array, object]>([
  ['nothing', new Uint8Array(0), { why: 'BAD_SHAPE' }],
  ['junk', fill(0xff), { why: 'BAD_SHAPE' }],
  ['trailing bytes', Buffer.concat([content, fill(0)]), { why: 'BAD_SHAPE' }],
  ['an unknown field', encode({ ...transcript, extra: 1 }), { why: 'BAD_SHAPE' }],
  ['an earlier version', encode({ ...transcript, version: 1 }), { why: 'BAD_SHAPE' }],
  ['a locality chain that is none', encode({ ...transcript, locality: 5 }), { why: 'BAD_SHAPE' }],
  ['no passes at all', encode({ ...transcript, residency: undefined }), { why: 'BAD_SHAPE' }],
  [
    'a field missing',
    encode({ ...transcript, gemm: { ...gemm, rows: undefined } }),
    { why: 'BAD_SHAPE' },
  ],
  [
    'a Final too large',
    changed({ gemm: { ...gemm, final: new Uint8Array(2000) } }),
    { why: 'BAD_SHAPE' },
  ],
  ['another slot', changed({ slot: 25 }), { why: 'BAD_SHAPE' }],
  ['another peer', changed({ peerId: 'q' }), { why: 'BAD_SHAPE' }],
  [
    'fewer rows',
    changed({ gemm: { ...gemm, rows: gemm.rows.slice(256) } }),
    { why: 'BAD_SHAPE', work: 'gemm' },
  ],
  [
    'fewer leaves',
    changed({ residency: { ...residency, leaves: residency.leaves.slice(1024) } }),
    { why: 'BAD_SHAPE', work: 'residency' },
  ],
  ['other counts', changed({ gemm: { ...gemm, counts: [4] } }), { why: 'BAD_SHAPE', work: 'gemm' }],
  [
    'other roots',
    changed({ gemm: { ...gemm, roots: gemm.roots.map((b) => b ^ 1) } }),
    { why: 'BAD_COMMIT', work: 'gemm' },
  ],
  [
    'other roots of passes',
    changed({ residency: { ...residency, roots: flip(residency.roots, 0) } }),
    { why: 'BAD_COMMIT', work: 'residency' },
  ],
  [
    'other rows',
    changed({ gemm: { ...gemm, rows: flip(gemm.rows, 9) } }),
    { why: 'BAD_PATH', work: 'gemm', at: [1, expect.any(Number)] },
  ],
  [
    'other leaves',
    changed({ residency: { ...residency, leaves: flip(residency.leaves, 9) } }),
    { why: 'BAD_PATH', work: 'residency', at: [0, expect.any(Number)] },
  ],
])('a transcript with %s fails with its reason, and names the work', async (_, bytes, found) => {
  expect(await check(bytes)).toMatchObject({ ok: false, ...found })
})

test('an honest locality chain is VALID beside the rest', async () => {
  const result = await check(content)
  if (!result.ok || result.locality?.verdict !== 'VALID') throw new Error('not ok')
  expect(result.locality.heads).toHaveLength(2)
  expect(Buffer.from(result.locality.final)).toEqual(Buffer.from(finals.locality!.head))
})

// The state at the first checkpoint ends one segment and begins the next: a chain committed with another one is whole in
// all but its values.
const falseState = flip(locality.states, 16)
const falseStates = flip(falseState, 32)
const falseRoots = locality.roots.map((b, i) =>
  i < 32 ? hashState(falseState.slice(16, 32))[i]! : b,
)
const forged = { ...locality, states: falseStates, roots: falseRoots }
const forgedClose = tickChain(statements.locality!.hopSeed, locality.counts, falseRoots).at(-1)!

test('a false value of the locality chain is BAD_VALUE of it alone', async () => {
  const job = {
    content: changed({ locality: forged }),
    statements: {
      ...statements,
      locality: { ...statements.locality!, closing: forgedClose },
    },
    limits,
    expected: {},
    hopsPulse: told(pulses.hops),
  }
  expect(await verifier.check(job)).toMatchObject({
    ok: true,
    dots: 5 * 52 * 52,
    locality: { verdict: 'BAD_VALUE', at: [0] },
  })
})

test.each<[string, Uint8Array, object]>([
  ['withheld', encode(without(transcript)), { verdict: 'UNAVAILABLE' }],
  [
    'short of states',
    changed({ locality: { ...locality, states: fill(1) } }),
    { verdict: 'BAD_SHAPE' },
  ],
  [
    'of other counts',
    changed({ locality: { ...locality, counts: [2] } }),
    { verdict: 'BAD_SHAPE' },
  ],
  [
    'of another pulse',
    changed({ locality: { ...locality, pulse: transcript.pulses.open } }),
    { verdict: 'BAD_SHAPE' },
  ],
  [
    'of other roots',
    changed({ locality: { ...locality, roots: flip(locality.roots, 9) } }),
    { verdict: 'BAD_COMMIT' },
  ],
  [
    'of a state that was not committed',
    changed({ locality: { ...locality, states: falseState } }),
    { verdict: 'BAD_PATH', at: [0] },
  ],
])('a locality chain that is %s leaves the rest as it is', async (_, bytes, found) => {
  expect(await check(bytes)).toMatchObject({ ok: true, pages: 6 * 11, locality: found })
})

test('a locality chain of which nothing was heard is not looked at', async () => {
  const { residency: passes, gemm: chain } = statements
  const job = { content, statements: { residency: passes, gemm: chain }, limits, expected: {} }
  const result = await verifier.check(job)
  expect(result.ok).toBe(true)
  expect(result).not.toHaveProperty('locality')
})

test('the roots of one kind of work do not prove the other', async () => {
  const swapped = {
    residency: { ...residency, roots: gemm.roots },
    gemm: { ...gemm, roots: residency.roots },
  }
  expect(await check(changed(swapped))).toMatchObject({ ok: false, why: 'BAD_SHAPE' })
})

test('not canonical is not a transcript', () => {
  expect(() => decodeTranscript(encode(Object.entries(transcript)))).toThrowError(
    /not a transcript/,
  )
})

test('the field that differs is named', () => {
  expect(differsIn(transcript, { slot: 24, hotkey: fill(9) })).toBe('hotkey')
  expect(differsIn(transcript, { pulses: transcript.pulses })).toBeNull()
  const { pulses } = transcript
  expect(differsIn(transcript, { pulses: { ...pulses, fill: pulses.open } })).toBe('pulses')
})

test('real networks have one beacon, whatever a transcript says', () => {
  expect(beaconOf({ ...transcript, network: 'finney' })).toBe(QUICKNET)
  expect(beaconOf(transcript).name).toBe('dev')
})
