import { describe, expect, test } from 'vitest'
import type { KnownPeer } from '../../src/api/overview.ts'
import type { AttestationRow } from '../../src/api/scores.ts'
import {
  addressText,
  kindOf,
  rttText,
  sorted,
  versionsOf,
} from '../../src/console/network/peer-words.ts'
import { alphaText, earningsOf, sumOf } from '../../src/console/node/earning-rows.ts'
import {
  capOf,
  durationOf,
  hoursOf,
  peersOf,
  percentOf,
  priceOf,
  someDurationOf,
  wholeBetween,
  wholeFrom,
} from '../../src/console/node/setting-values.ts'
import { coverageOf, slotsSeen } from '../../src/console/node/validator-slots.ts'

describe('what is written for a setting', () => {
  const isRefused = (written: object): boolean => 'error' in written

  test.each([
    [wholeBetween(30, 120)(' 71 '), 71],
    [wholeBetween(30, 120)(''), null],
    [wholeFrom(0, 10)('0'), 0],
    [priceOf('1.25'), '1.25'],
    [priceOf(' '), null],
    [capOf('12.5'), '12.5'],
    [capOf('0'), '0'],
    [capOf(''), null],
    [percentOf('2.5'), 2.5],
    [durationOf('1 h 30 min'), 5_400_000],
    [durationOf('7d'), 604_800_000],
    [durationOf('1.5h'), 5_400_000],
    [durationOf(''), null],
    [someDurationOf('90 m'), 5_400_000],
    [hoursOf('mon-fri 18:00-08:00, sat-sun'), ['mon-fri 18:00-08:00', 'sat-sun']],
    [hoursOf(''), []],
    [hoursOf('22:00-06:00'), ['22:00-06:00']],
  ])('%j is %j', (written, value) => expect(written).toEqual({ value }))

  test.each([
    wholeBetween(30, 120)('29'),
    wholeBetween(30, 120)('71.5'),
    wholeFrom(0, 10)(''),
    priceOf('1,25'),
    priceOf('-1'),
    capOf('much'),
    capOf('1.1234567'),
    percentOf('0'),
    percentOf('101'),
    durationOf('soon'),
    durationOf('5'),
    durationOf('1 h and more'),
    someDurationOf(''),
    hoursOf('at night'),
    peersOf('nobody'),
  ])('is refused: %j', (written) => expect(isRefused(written)).toBe(true))

  test('peers stand apart by commas, spaces or lines', () => {
    const [a, b] = [
      '12D3KooWPdr3JwogoRag2itkwSiB6nXaEkEzVnZYRC3k5yjukdQ9',
      `12D3KooW${'a'.repeat(44)}`,
    ]
    expect(peersOf(`${a}, ${b}`)).toEqual({ value: [a, b] })
    expect(peersOf(`${a}\n${b}`)).toEqual({ value: [a, b] })
  })
})

test('earnings are read as exact amounts, and gaps count as nothing', () => {
  const read = (epoch: number, emission: string): string =>
    JSON.stringify({
      state: 'read',
      epoch,
      block: epoch * 10,
      emission,
      incentive: 1,
      dividends: 0,
    })
  const gap = JSON.stringify({ state: 'discarded', epoch: 2, block: null })
  const earnings = earningsOf([
    read(3, '9007199254740993000'),
    gap,
    read(1, '1'),
    '{"state":"new"}',
  ])
  expect(earnings.map(({ epoch }) => epoch)).toEqual([1, 2, 3])
  expect(alphaText(sumOf(earnings))).toBe('9007199254.740993001')
  expect(alphaText('2000000000')).toBe('2')
})

describe('slots as a validator saw them', () => {
  const word = (slot: number, verdict: string | null) => ({ slot, verdict }) as AttestationRow
  const begun = (slot: number, gpus: number, abstained: string | null = null) => ({
    ...{ slot, gpus, abstained },
    atMs: 1,
  })

  test('come newest first, also those of an earlier run and those without a word', () => {
    const seen = slotsSeen([begun(36, 2), begun(24, 0)], [word(12, 'VALID'), word(36, 'VALID')])
    expect(seen.map(({ slot, words }) => [slot, words.length])).toEqual([
      [36, 1],
      [24, 0],
      [12, 1],
    ])
  })

  test('say how far they are covered', () => {
    const [some, none, before, silent] = slotsSeen(
      [begun(4, 2), begun(3, 0), begun(1, 2, 'LAGGED')],
      [word(4, 'VALID'), word(4, null), word(2, 'BAD_VALUE')],
    )
    expect([some, none, before, silent].map((slot) => coverageOf(slot!))).toEqual([
      '1 of 2 judged',
      'nobody to follow',
      '1 judged',
      'abstains',
    ])
  })
})

describe('peers in words', () => {
  const peer = (fields: Partial<KnownPeer>) => ({ roles: [], peerId: 'p', ...fields }) as KnownPeer

  test('an address is host and port where it has them', () => {
    expect(addressText('/ip4/10.0.0.1/tcp/4001/p2p/x')).toBe('10.0.0.1:4001')
    expect(addressText('/ip6/::1/tcp/4001')).toBe('[::1]:4001')
    expect(addressText('/unix/x')).toBe('/unix/x')
  })

  test('a connection tells its way and its latency', () => {
    expect(kindOf(peer({ relayed: true }))).toBe('through a relay')
    expect(kindOf(peer({ relayed: false, direction: 'inbound' }))).toBe('direct, theirs')
    expect(rttText(peer({ rttMs: null }))).toBe('–')
    expect(rttText(peer({ rttMs: 0 }))).toBe('< 1 ms')
  })

  test('those not measured stand behind the slowest, versions are counted', () => {
    const peers = [peer({ rttMs: null }), peer({ rttMs: 9 }), peer({ rttMs: 2 })]
    expect(sorted(peers, 'rtt', false).map(({ rttMs }) => rttMs)).toEqual([2, 9, null])
    const versions = versionsOf([{ version: '1' }, { version: '2' }, { version: '2' }].map(peer))
    expect(versions).toEqual([
      ['2', 2],
      ['1', 1],
    ])
  })
})
