import { describe, expect, test } from 'vitest'
import { createPlace, openLogs, type ReadLog } from '../../../src/node/leases/open-logs.ts'
import { noDocker } from '../../support/docker.ts'
import { cutConnections, dockerLease } from '../../support/docker-lease.ts'
import { execIn } from '../../support/session.ts'

const quiet = { onLost: () => undefined, onResumed: () => undefined }

describe.skipIf(noDocker)('logs of a real container', { timeout: 120_000 }, () => {
  test('follow to the end over broken connections; tail and since; both streams', async () => {
    const script =
      'i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo err >&2; ' +
      'head -c 40000 /dev/zero | tr "\\0" x; echo; ' +
      'until [ -e /tmp/go ]; do sleep 0.1; done; sleep 2; echo last'
    const { renter, at } = await dockerLease({ command: ['sh', '-c', script] })
    const ask = { kind: 'logs' as const, follow: true, timestamps: false }
    const signal = new AbortController().signal
    const text = { stdout: '', stderr: '' }
    const times: string[] = []
    let [lost, cuts] = [0, 0]
    const goOn = () => execIn({ renter, ...at, command: ['touch', '/tmp/go'] })
    const notices = { onLost: () => void lost++, onResumed: () => undefined }
    for await (const piece of await openLogs(renter.book, at, ask, { signal, ...notices })) {
      text[piece.stream] += Buffer.from(piece.data).toString()
      if (piece.at !== undefined) times.push(piece.at)
      const isDue = [/line 500\n/, /line 1500\n/, /x\n$/][cuts]?.test(text.stdout) === true
      if (!isDue) continue
      cuts += 1
      if (cuts === 3) await goOn() // the end comes over a connection that is yet to be made
      cutConnections(renter)
    }
    const lines = Array.from({ length: 3000 }, (_, n) => `line ${n}\n`).join('')
    expect(text).toEqual({ stdout: `${lines}${'x'.repeat(40_000)}\nlast\n`, stderr: 'err\n' })
    expect(lost).toBeGreaterThan(0)
    expect(new Set(times).size).toBeGreaterThan(3000)
  })

  test('the newest lines, and those since a moment', async () => {
    const { renter, at } = await dockerLease({
      command: ['sh', '-c', 'echo a; echo b; sleep 1; echo c; sleep 600'],
    })
    const read = async (wish: object): Promise<ReadLog[]> => {
      const ask = { kind: 'logs' as const, timestamps: true, ...wish }
      const signal = new AbortController().signal
      return await Array.fromAsync(await openLogs(renter.book, at, ask, { signal, ...quiet }))
    }
    const textOf = (pieces: ReadLog[]) =>
      pieces.map(({ data }) => Buffer.from(data).toString()).join('')
    let all: ReadLog[] = []
    while (all.length < 3) all = await read({})
    expect(textOf(all)).toBe('a\nb\nc\n')
    expect(textOf(await read({ tail: 1 }))).toBe('c\n')
    expect(textOf(await read({ since: all[2]!.at }))).toBe('c\n')
  })
})

test('reading goes on inside a record, among records of one moment, and in both streams', () => {
  const at = (second: number): string => `2026-01-02T03:04:${20 + second}.000000006Z`
  const place = createPlace({ kind: 'logs', tail: 9 })
  const fresh = (stream: 'stdout' | 'stderr', time: string | undefined, data: string): string =>
    Buffer.from(place.fresh({ stream, at: time, data: Buffer.from(data) }).data).toString()
  expect(place.next()).toEqual({ kind: 'logs', tail: 9 })
  expect(fresh('stdout', at(0), 'one')).toBe('one')
  expect(fresh('stdout', at(0), 'two-a')).toBe('two-a')
  expect(place.next()).toEqual({ kind: 'logs', since: at(0) })
  place.reopened()
  expect(fresh('stderr', at(-1), 'before the tail')).toBe('')
  expect(fresh('stdout', at(0), 'one')).toBe('')
  expect(fresh('stdout', at(0), 'two-a,')).toBe(',')
  expect(fresh('stdout', undefined, 'two-b')).toBe('two-b')
  place.reopened()
  expect(fresh('stdout', at(0), 'one')).toBe('')
  expect(fresh('stdout', at(0), 'two-a,')).toBe('')
  expect(fresh('stdout', undefined, 'two-b')).toBe('')
  expect(fresh('stdout', at(0), 'three')).toBe('three')
  expect(fresh('stdout', at(5), 'four')).toBe('four')
  place.reopened()
  expect(fresh('stdout', at(0), 'three')).toBe('')
  expect(fresh('stdout', at(5), 'four')).toBe('')
  expect(fresh('stderr', at(3), 'written late')).toBe('written late')
  expect(place.next()).toEqual({ kind: 'logs', since: at(3) })
  expect(fresh('stdout', at(30), 'five')).toBe('five')
  expect(place.next()).toEqual({ kind: 'logs', since: '2026-01-02T03:04:40.000000000Z' })
})
