import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode, encode as encodeAny } from 'cborg'
import { expect, test } from 'vitest'
import { sessionProtocol } from '../../src/protocols/session.ts'
import { filesToMiner, filesToRenter } from '../../src/protocols/session-files.ts'
import { readLogFrame } from '../../src/protocols/session-logs.ts'
import { usageSample } from '../../src/protocols/session-usage.ts'
import {
  filesAnswered,
  filesAsked,
  sessionRequests,
  sessionVectors,
  usageTold,
} from '../support/session-vectors.ts'

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/session.json'), 'utf8'),
) as ReturnType<typeof sessionVectors>

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

test('what this program writes is what the golden file says', () => {
  expect(sessionVectors()).toEqual(golden)
})

test.each(Object.entries(sessionRequests))('%s is read as it was meant', (name, request) => {
  const bytes = unhex(golden.requests[name]!)
  expect(sessionProtocol.request.decode(bytes)).toEqual(request)
  expect(decode(bytes)).toEqual(request) // plain CBOR, to a client in another language
})

test.each(Object.entries(filesAsked))('files to the miner: %s', (name, message) => {
  const bytes = unhex(golden.filesToMiner[name]!)
  expect(filesToMiner.decode(bytes)).toEqual(message)
  expect(decode(bytes)).toEqual(message)
})

test.each(Object.entries(filesAnswered))('files to the renter: %s', (name, message) => {
  const bytes = unhex(golden.filesToRenter[name]!)
  expect(filesToRenter.decode(bytes)).toEqual(message)
  expect(decode(bytes)).toEqual(message)
})

test.each(Object.entries(usageTold))('a sample of what is used, %s', (name, sample) => {
  const bytes = unhex(golden.usageToRenter[name]!)
  expect(usageSample.decode(bytes)).toEqual(sample)
  expect(decode(bytes)).toEqual(sample)
})

test.each([
  ['a load above all', { loadPercent: 101 }],
  ['half a degree', { temperatureC: 0.5 }],
  ['a name with control characters', { id: 'a\u001b[2J' }],
])('%s is no sample', (_, change) => {
  const { gpus, ...rest } = usageTold['known']!
  const sample = { ...rest, gpus: [{ ...gpus[0], ...change }] }
  expect(() => usageSample.decode(encodeAny(sample))).toThrow()
})

test('neither are more devices than terms can name, nor samples more often than a second', () => {
  const { gpus } = usageTold['known']!
  const many = { ...usageTold['known'], gpus: Array(33).fill(gpus[0]) }
  expect(() => usageSample.decode(encodeAny(many))).toThrow('gpus')
  const often = { ...sessionRequests['usage'], everyMs: 999 }
  expect(() => sessionProtocol.request.decode(encodeAny(often))).toThrow('everyMs')
})

test('a log record is read as it was meant', () => {
  const [piece] = golden.logRecord.map((frame) => readLogFrame(unhex(frame)))
  expect(piece?.at).toBe('2026-01-02T03:04:05.000000006Z')
  expect(Buffer.from(piece!.data).toString()).toBe('a line\n')
})
