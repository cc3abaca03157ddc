import { describe, expect, test } from 'vitest'
import type { LeaseUsage } from '../../src/api/lease-usage.ts'
import { costOf, differenceOf, isAmount, shareOf, sumOf } from '../../src/console/leases/amount.ts'
import { evidenceBytes, wrongReceipts } from '../../src/console/leases/evidence.ts'
import { inFolder, parentOf } from '../../src/console/leases/files/paths.ts'
import { pullShare, signOf, startSteps } from '../../src/console/leases/lease-sign.ts'
import { createLogLines, matching } from '../../src/console/leases/logs/log-lines.ts'
import { KEPT_MS, rateOf, withSample } from '../../src/console/leases/usage/usage-samples.ts'

test('amounts are exact, and what cannot be is rounded up', () => {
  expect(costOf('3.6', 600_000)).toBe('0.6')
  expect(costOf('1', 1)).toBe('0.000000277777777778')
  expect(shareOf('10', 1, 3)).toBe('3.333333333333333334')
  expect(sumOf(['0.1', '0.2', '100000000000000000000'])).toBe('100000000000000000000.3')
  expect(differenceOf('3.6', '0.000001')).toBe('3.599999')
  expect(differenceOf('1', '1.5')).toBe('-0.5')
  expect(['1', '0.5', '1e3', '-1', '', '1.'].map(isAmount)).toEqual([
    true,
    true,
    ...Array(4).fill(false),
  ])
})

describe('how a lease stands', () => {
  const lease = { state: 'ACTIVE', health: 'ok', outcome: null, over: false } as const

  test.each([
    [lease, 'Running', 'good'],
    [{ ...lease, health: 'unknown' }, 'Silent', 'warn'],
    [{ ...lease, state: 'STARTING', health: 'unknown' }, 'Starting', 'info'],
    [{ ...lease, state: 'SUSPENDED' }, 'Suspended', 'warn'],
    [{ ...lease, state: 'PAUSED' }, 'Paused', 'info'],
    [{ ...lease, state: 'SETTLED', outcome: 'ended', over: true }, 'Ended', 'neutral'],
    [{ ...lease, state: 'SETTLED', outcome: 'failed', over: true }, 'Failed', 'bad'],
  ] as const)('%o reads %s', (one, word, tone) => {
    expect(signOf(one)).toMatchObject({ word, tone })
  })

  test('a start goes through its steps', () => {
    const at = (state: 'AGREED' | 'STARTING' | 'ACTIVE', progress: string | null) =>
      startSteps({ state, progress }).map(({ is }) => is)
    expect(at('AGREED', null)).toEqual(['now', 'next', 'next', 'next'])
    expect(at('STARTING', 'waiting for the money')).toEqual(['done', 'now', 'next', 'next'])
    expect(at('STARTING', 'pulling a: 1 of 2 layers, 37 %')).toEqual([
      'done',
      'done',
      'now',
      'next',
    ])
    expect(at('ACTIVE', null)).toEqual(['done', 'done', 'done', 'done'])
    expect(pullShare('pulling a: 1 of 2 layers, 37 %, 2 MB/s')).toBe(0.37)
    expect(pullShare('pulling a: 1 of 2 layers')).toBeUndefined()
  })
})

describe('lines of a log', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  const texts = (log: ReturnType<typeof createLogLines>) => log.all().map(({ text }) => text)

  test('pieces become lines, streams are kept apart, escapes are left out', () => {
    const log = createLogLines()
    log.add('stdout', bytes('one\ntw'))
    log.add('stderr', bytes('bad\r\n'))
    log.add('stdout', bytes('o\n\n\u001b[31mred\u001b[0m'))
    expect(texts(log)).toEqual(['one', 'two', 'bad', '', 'red'])
    log.add('stdout', bytes('der\n'))
    expect(texts(log).at(-1)).toBe('redder')
    expect(matching(log.all(), ' BAD ').map(({ stream }) => stream)).toEqual(['stderr'])
  })

  test('a character cut in two pieces is whole', () => {
    const log = createLogLines()
    log.add('stdout', Uint8Array.of(0xc3))
    log.add('stdout', Uint8Array.of(0xa9, 0x0a))
    expect(texts(log)).toEqual(['é'])
  })
})

describe('what a lease used', () => {
  const usage = (atMs: number, rxBytes: number | null): LeaseUsage => ({
    ...{ atMs, rxBytes, txBytes: 0, cpuPercent: 1, cores: 1, memoryMiB: 1, memoryLimitMiB: 2 },
    ...{ diskMiB: null, diskLimitMiB: null, pids: 1, gpus: [] },
  })

  test('a silence is a gap, old samples go, and rates know neither', () => {
    let samples = withSample([], 1000, usage(500, 100))
    samples = withSample(samples, 2000, usage(1500, 600))
    samples = withSample(samples, 12_000, usage(11_500, 900))
    samples = withSample(samples, 13_000, usage(12_500, 0))
    expect(samples.map((one) => one.usage === null)).toEqual([false, false, true, false, false])
    expect(rateOf(samples, ({ rxBytes }) => rxBytes)).toEqual([null, 500, null, null, null])
    expect(
      withSample(samples, 13_000 + KEPT_MS, usage(0, 0)).some(({ atMs }) => atMs <= 13_000),
    ).toBe(false)
  })
})

test('what a check finds is shown at its receipt', () => {
  const row = (seq: number) => ({
    seq,
    atMs: 0,
    upMs: 0,
    owed: '0',
    countersigned: true,
    final: null,
  })
  const items = [row(1), row(2), row(3)]
  const finding = (receipt?: number) => ({
    checks: [
      { name: 'network' as const, ok: true, detail: 'local' },
      {
        ...{ name: 'receipts' as const, ok: false, detail: 'the time served went down' },
        ...(receipt === undefined ? {} : { receipt }),
      },
    ],
  })
  const wrong = (receipt?: number) => [...wrongReceipts(items, finding(receipt))]
  expect(wrong(2)).toEqual([[2, 'the time served went down']])
  expect(wrong(4)).toEqual([])
  expect(wrong()).toEqual([])
  expect([...wrongReceipts(items, undefined)]).toEqual([])
  expect(evidenceBytes('AAE=')).toEqual(Uint8Array.of(0, 1))
})

test('paths of folders', () => {
  expect([inFolder('/', 'a'), inFolder('/b', 'a')]).toEqual(['/a', '/b/a'])
  expect(['/', '/a', '/a/b', '/a/b/'].map(parentOf)).toEqual(['/', '/', '/a', '/a'])
})
