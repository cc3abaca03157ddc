import { expect, test } from 'vitest'
import { costCap, formatAmount, owed, parseAmount } from '../../src/protocols/money.ts'
import { leaseIdOf, mayEnter, openTerms, sealTerms } from '../../src/protocols/terms.ts'
import { agreed, miner, net, renter, stranger, termsOf } from '../support/lease.ts'
import { testNet } from '../support/market.ts'

test('both parties sign the same bytes, and their hash is the lease id', () => {
  const { terms, leaseId, minerTerms, renterTerms } = agreed()
  expect(openTerms(net, minerTerms, 'miner').payload).toEqual(terms)
  expect(leaseIdOf(net, openTerms(net, renterTerms, 'renter').payload)).toEqual(leaseId)
})

test('any change of the terms is another lease', () => {
  const ids = [
    termsOf(),
    termsOf({ cap: '60001' }),
    termsOf({ authorized: [stranger.peerId] }),
    termsOf({ renterNonce: new Uint8Array(16) }),
  ].map((terms) => Buffer.from(leaseIdOf(net, terms)).toString('hex'))
  expect(new Set(ids).size).toBe(4)
})

test('keys unknown to this version are kept and stay under the signature', () => {
  const extended = { ...termsOf(), note: 'later' }
  const opened = openTerms(net, sealTerms(net, miner, extended).bytes, 'miner')
  expect(opened.payload).toEqual(extended)
})

test.each([
  ['signed by the wrong party', sealTerms(net, renter, termsOf()).bytes],
  ['signed by a stranger', sealTerms(net, stranger, termsOf()).bytes],
  ['of another network', sealTerms(testNet(2), miner, termsOf()).bytes],
  ['naming another network', sealTerms(net, miner, termsOf({}, testNet(2))).bytes],
  ['that are no record', new Uint8Array(100)],
])('terms %s are refused', (_, bytes) => {
  expect(() => openTerms(net, bytes, 'miner')).toThrow(
    expect.objectContaining({ code: 'BAD_MESSAGE' }),
  )
})

test.each([
  ['an image that reads as an option', { image: '--privileged' }],
  ['a ninth authorized key', { authorized: Array(9).fill(stranger.peerId) }],
  ['a price with a sign', { pricePerHour: '-1' }],
  ['no time at all', { durationMs: 0 }],
  ['a NUL in the command', { command: ['sh', '-c', 'a\0b'] }],
])('terms with %s cannot be opened', (_, change) => {
  expect(() => {
    const bytes = sealTerms(net, miner, termsOf(change)).bytes
    return openTerms(net, bytes, 'miner')
  }).toThrow(expect.objectContaining({ code: 'BAD_MESSAGE' }))
})

test('the renter and whom it names may enter, nobody else', () => {
  const terms = termsOf({ authorized: [stranger.peerId] })
  expect(mayEnter(terms, renter.peerId)).toBe(true)
  expect(mayEnter(terms, stranger.peerId)).toBe(true)
  expect(mayEnter(terms, miner.peerId)).toBe(false)
  expect(mayEnter(termsOf(), stranger.peerId)).toBe(false)
})

test('money: whole base units, rounded down for what is owed and up for what is held', () => {
  expect(parseAmount('0.25', 'XMR')).toBe(250_000_000_000n)
  expect(parseAmount('1.500000', 'DEV')).toBe(1_500_000n)
  expect(() => parseAmount('0.0000001', 'DEV')).toThrow(/decimals/)
  expect(() => parseAmount('1', 'GOLD')).toThrow(/not known/)
  expect(formatAmount(1n, 'TAO')).toBe('0.000000001')
  expect(formatAmount(12_000_000n, 'DEV')).toBe('12')
  expect(owed(1n, 3_599_999)).toBe(0n)
  expect(costCap(1n, 1)).toBe(1n)
})
