import { expect, test } from 'vitest'
import { encodeCbor } from '../../src/protocols/codec.ts'
import { type LeaseRequest, leaseProtocol } from '../../src/protocols/lease.ts'
import { receiptsProtocol } from '../../src/protocols/receipts.ts'
import { controlToMiner, controlToRenter, sessionProtocol } from '../../src/protocols/session.ts'
import { stranger } from '../support/lease.ts'

const reserve: LeaseRequest = {
  kind: 'reserve',
  offer: new Uint8Array(900),
  nonce: new Uint8Array(16),
  durationMs: 3_600_000,
  image: 'busybox:1.37',
  authorized: [stranger.peerId],
}
const leaseId = new Uint8Array(32)

test.each<[string, LeaseRequest]>([
  ['reserve', reserve],
  ['accept', { kind: 'accept', terms: new Uint8Array(500) }],
  ['status', { kind: 'status', leaseId, notState: 'STARTING', waitMs: 20_000 }],
  ['stop', { kind: 'stop', leaseId, reason: 'done' }],
])('%s survives the wire', (_, request) => {
  const { encode, decode } = leaseProtocol.request
  expect(decode(encode(request))).toEqual(request)
})

test.each([
  ['of an unknown kind', { kind: 'seize', leaseId }],
  ['with a short lease id', { kind: 'stop', leaseId: new Uint8Array(31), reason: '' }],
  ['that waits too long', { kind: 'status', leaseId, waitMs: 20_001 }],
  ['with a reason that forges a terminal', { kind: 'stop', leaseId, reason: '\u001b[2J' }],
  ['for no time', { ...reserve, durationMs: 0 }],
  ['with terms beyond the limit', { kind: 'accept', terms: new Uint8Array(33 * 1024) }],
])('a lease request %s is refused', (_, value) => {
  expect(() => leaseProtocol.request.decode(encodeCbor(value))).toThrow(
    expect.objectContaining({ code: 'BAD_MESSAGE' }),
  )
})

test('a receipts request is small and bounded', () => {
  const { decode } = receiptsProtocol.request
  const request = { leaseId, have: 0, waitMs: 0 }
  expect(decode(encodeCbor(request))).toEqual(request)
  expect(() => decode(encodeCbor({ ...request, countersigned: new Uint8Array(3000) }))).toThrow()
  expect(() => decode(encodeCbor({ ...request, have: -1 }))).toThrow()
})

test('a session names one lease and carries a clean environment', () => {
  const { encode, decode } = sessionProtocol.request
  const request = { leaseId, kind: 'exec' as const, command: ['id'], tty: false, env: { A: 'b' } }
  expect(decode(encode(request))).toEqual(request)
  expect(() => encode({ ...request, env: { A: 'x'.repeat(70_000) } })).toThrow()
  expect(() => decode(encodeCbor({ ...request, env: { 'A=B': 'c' } }))).toThrow()
  expect(() => decode(encodeCbor({ ...request, command: [] }))).toThrow()
})

test('control messages are what they say and nothing else', () => {
  const exit = { kind: 'exit' as const, exitCode: 255 }
  expect(controlToRenter.decode(controlToRenter.encode(exit))).toEqual(exit)
  expect(() => controlToRenter.decode(encodeCbor({ kind: 'exit', exitCode: 256 }))).toThrow()
  expect(() => controlToMiner.decode(encodeCbor({ kind: 'signal', signal: 'SIGSTOP' }))).toThrow()
  expect(() => controlToMiner.decode(encodeCbor({ kind: 'resize', columns: 0, rows: 9 }))).toThrow()
})
