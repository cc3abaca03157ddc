import { encode } from 'cborg'
import { afterAll, expect, test } from 'vitest'
import { QUICKNET } from '../../src/beacon.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
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
import { honestProof } from '../support/proof.ts'

const verifier = createVerifier(silent)
afterAll(() => verifier[Symbol.asyncDispose]())
const fill = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const gpu = { genesis: fill(1), netuid: 2, hotkey: fill(3), peerId: 'p', gpuId: 'cpu-0', n: 256 }
const { transcript, statement, final } = await honestProof(gpu, 24, 5, (tick) => tick.head)
const content = encodeTranscript(transcript)
const limits = slotNetworks.local.gemm
const check = (bytes: Uint8Array, expected: Partial<Transcript> = { peerId: 'p', slot: 24 }) =>
  verifier.check({ content: bytes, statement, limits, expected })
const changed = (over: Partial<Transcript>) => encodeTranscript({ ...transcript, ...over })

test('it reads back as written, under one id, and no larger than foretold', () => {
  expect(decodeTranscript(content)).toEqual(transcript)
  expect(announcementOf(transcript)).toEqual(gpu)
  expect(transcriptId(content)).not.toEqual(transcriptId(changed({ slot: 25 })))
  expect(content.length).toBeLessThanOrEqual(transcriptMaxBytes(gpu.n, 5, limits))
})

test('an honest one verifies in the thread, and gives back the signed Final', async () => {
  const result = await check(content)
  expect(result).toMatchObject({ ok: true, dots: 5 * 52 * 52 })
  expect(result.ok && Buffer.from(result.final)).toEqual(Buffer.from(final.head))
})

test.each<[string, Uint8Array, string]>([
  ['nothing', new Uint8Array(0), 'BAD_SHAPE'],
  ['junk', fill(0xff), 'BAD_SHAPE'],
  ['trailing bytes', Buffer.concat([content, fill(0)]), 'BAD_SHAPE'],
  ['an unknown field', encode({ ...transcript, extra: 1 }), 'BAD_SHAPE'],
  ['a field missing', encode({ ...transcript, rows: undefined }), 'BAD_SHAPE'],
  ['another slot', changed({ slot: 25 }), 'BAD_SHAPE'],
  ['another peer', changed({ peerId: 'q' }), 'BAD_SHAPE'],
  ['fewer rows', changed({ rows: transcript.rows.slice(256) }), 'BAD_SHAPE'],
  ['other counts', changed({ counts: [4] }), 'BAD_SHAPE'],
  ['other roots', changed({ roots: transcript.roots.map((b) => b ^ 1) }), 'BAD_COMMIT'],
  [
    'other rows',
    changed({ rows: transcript.rows.map((b, i) => (i === 9 ? b ^ 1 : b)) }),
    'BAD_PATH',
  ],
])('a transcript with %s fails with its reason', async (_, bytes, why) => {
  expect(await check(bytes)).toMatchObject({ ok: false, why })
})

test('not canonical is not a transcript', () => {
  expect(() => decodeTranscript(encode(Object.entries(transcript)))).toThrowError(
    /not a transcript/,
  )
})

test('the field that differs is named', () => {
  expect(differsIn(transcript, { slot: 24, hotkey: fill(9) })).toBe('hotkey')
  expect(differsIn(transcript, { startPulse: transcript.startPulse })).toBeNull()
})

test('real networks have one beacon, whatever a transcript says', () => {
  expect(beaconOf({ ...transcript, network: 'finney' })).toBe(QUICKNET)
  expect(beaconOf(transcript).name).toBe('dev')
})
