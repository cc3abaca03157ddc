import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../src/log.ts'
import { createMinerStreams, type MinerStreamsOptions } from '../../src/node/miner-streams.ts'
import type { ChallengeItem } from '../../src/protocols/challenge.ts'
import type { Rpc } from '../../src/protocols/rpc.ts'
import { eventually } from '../support/nodes.ts'

/** Of one miner, records that wait to be heard. */
const MOST_WAITING = 128

type Script = (signal: AbortSignal) => AsyncIterable<ChallengeItem>

function follow(
  script: Script,
  options: {
    onRecord?: MinerStreamsOptions['onRecord']
    banMs?: number
    silentMs?: number
    nowMs?: () => number
  } = {},
) {
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const opened: string[] = []
  const records: Uint8Array[] = []
  const rpc = {
    askStream: ((_protocol: unknown, peer: string, _request: unknown, signal: AbortSignal) => {
      opened.push(peer)
      return script(signal)
    }) as unknown as Rpc['askStream'],
  }
  const {
    onRecord = async () => () => {},
    banMs = 60_000,
    silentMs = 60_000,
    nowMs = Date.now,
  } = options
  const streams = createMinerStreams(
    {
      rpc,
      log: silent,
      nowMs,
      retryMs: 5,
      silentMs,
      banMs,
      onRecord: (miner, record, atMs) => {
        records.push(record)
        return onRecord(miner, record, atMs)
      },
    },
    life.signal,
  )
  return { streams, opened, records, life }
}

const item = (value: number): ChallengeItem => ({ kind: 'record', record: Uint8Array.of(value) })
const forever = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

test('one stream per miner; a lost one is opened again; unknown items are skipped', async () => {
  const { streams, opened, records } = follow(async function* () {
    yield { kind: 'ready' }
    yield { kind: 'from-the-future' }
    yield item(1)
    throw new Error('lost')
  })
  streams.want(['a', 'a', 'b'])
  streams.want(['a', 'b'])
  await eventually(() => opened.length >= 4, 'both are opened again')
  expect(new Set(opened)).toEqual(new Set(['a', 'b']))
  expect(records.length).toBeGreaterThan(0)
})

test('a miner no longer wanted is let go, and all are at the end', async () => {
  let open = 0
  const { streams, opened, life } = follow(async function* (signal) {
    open++
    try {
      yield { kind: 'ready' }
      await forever(signal)
    } finally {
      open--
    }
  })
  streams.want(['a', 'b'])
  await eventually(() => streams.standing === 2, 'both stand')
  streams.want(['b'])
  await eventually(() => open === 1, 'one is closed')
  life.abort()
  await eventually(() => open === 0, 'all are closed')
  expect(opened).toHaveLength(2)
})

test('a miner is due once its stream stands, or once there was time enough to open it', async () => {
  const { streams } = follow(async function* (signal) {
    yield { kind: 'ready' }
    await forever(signal)
  })
  const deaf = follow((signal) => ({
    [Symbol.asyncIterator]: () => ({ next: () => forever(signal) }),
  }))
  const wantedMs = Date.now()
  streams.want(['ready'])
  deaf.streams.want(['deaf'])
  await eventually(() => streams.standing === 1, 'one stands')
  expect(streams.isDue('ready', wantedMs - 10_000)).toBe(true)
  expect(deaf.streams.isDue('deaf', wantedMs - 10_000)).toBe(false)
  expect(deaf.streams.isDue('deaf', Date.now())).toBe(true)
  expect(streams.isDue('unknown', Date.now())).toBe(false)
})

test('a stream with what no honest miner sends is ended and left alone for a while', async () => {
  const { streams, opened, records } = follow(
    async function* () {
      for (let i = 0; ; i++) yield item(i % 256)
    },
    { onRecord: async () => undefined },
  )
  streams.want(['liar'])
  await eventually(() => records.length > 0, 'its first record is seen')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(opened).toHaveLength(1)
  expect(records.length).toBeLessThanOrEqual(MOST_WAITING)
})

test('a flood is cut off before its signatures are checked', async () => {
  const { streams, opened, records } = follow(async function* () {
    for (let i = 0; ; i++) yield item(i % 256)
  })
  streams.want(['flood'])
  await eventually(() => records.length > 100 && streams.standing === 0, 'it is cut off')
  expect(records.length).toBeLessThan(5000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(opened).toHaveLength(1)
})

test('a stream that says nothing any more is opened again', async () => {
  const { streams, opened } = follow(
    async function* (signal) {
      yield { kind: 'ready' }
      await forever(signal)
    },
    { silentMs: 50 },
  )
  streams.want(['mute'])
  await eventually(() => opened.length >= 2, 'it is opened again')
})

/** A stream that is ready, gives what `go` releases, and stays. */
const after = (go: Promise<unknown>, ...values: number[]): Script =>
  async function* (signal) {
    yield { kind: 'ready' }
    await go
    yield* values.map(item)
    await forever(signal)
  }

test('what comes at one moment is stamped with it, however long each takes to be checked', async () => {
  let clockMs = 1000
  const stamps: number[] = []
  const go = Promise.withResolvers<void>()
  const { streams } = follow(after(go.promise, 1), {
    nowMs: () => clockMs,
    async onRecord(_miner, _record, atMs) {
      await new Promise(setImmediate)
      clockMs += 500
      return () => void stamps.push(atMs)
    },
  })
  streams.want(['a', 'b', 'c', 'd'])
  await eventually(() => streams.standing === 4, 'all stand')
  go.resolve()
  await eventually(() => stamps.length === 4, 'all are heard')
  expect(stamps).toEqual([1000, 1000, 1000, 1000])
})

test("a miner's records are heard in order, whichever is checked first, and hold up nobody else's; until then they are known to wait", async () => {
  let clockMs = 1000
  const heard: string[] = []
  const [go, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { streams } = follow(after(go.promise, 1, 2, 3), {
    nowMs: () => clockMs,
    async onRecord(miner, record) {
      if (miner === 'slow' && record[0] === 1) await slow.promise
      return () => void heard.push(`${miner}${record[0]}`)
    },
  })
  streams.want(['slow', 'quick'])
  await eventually(() => streams.standing === 2, 'both stand')
  expect(streams.isHeard(2000)).toBe(true)
  go.resolve()
  await eventually(() => heard.length === 3, 'the quick one is through')
  clockMs = 2000
  expect(heard).toEqual(['quick1', 'quick2', 'quick3'])
  expect([streams.isHeard(1000), streams.isHeard(1001)]).toEqual([true, false])
  slow.resolve()
  await eventually(() => streams.isHeard(2000), 'the slow one is through')
  expect(heard.slice(3)).toEqual(['slow1', 'slow2', 'slow3'])
})

test('a stream with too many records that wait is read no further, but others are', async () => {
  let heard = 0
  const checked = new Map<string, number>()
  const slow = Promise.withResolvers<void>()
  const { streams } = follow(
    async function* (signal) {
      for (let i = 0; i < 300; i++) yield item(i % 256)
      await forever(signal)
    },
    {
      async onRecord(miner) {
        checked.set(miner, (checked.get(miner) ?? 0) + 1)
        if (miner === 'slow') await slow.promise
        return () => void heard++
      },
    },
  )
  streams.want(['slow', 'quick'])
  await eventually(() => heard === 300, 'the quick one is through')
  expect(checked).toEqual(
    new Map([
      ['slow', MOST_WAITING],
      ['quick', 300],
    ]),
  )
  slow.resolve()
  await eventually(() => heard === 600, 'all is heard')
})

test('of a miner that is let go, nothing more is heard, and nobody waits for it', async () => {
  let checked = 0
  let heard = 0
  const slow = Promise.withResolvers<void>()
  const { streams } = follow(after(Promise.resolve(), 1, 2, 3), {
    async onRecord() {
      checked += 1
      await slow.promise
      return () => void heard++
    },
  })
  streams.want(['a'])
  await eventually(() => checked === 3, 'its records are being checked')
  streams.want([])
  slow.resolve()
  await eventually(() => streams.isHeard(Number.MAX_SAFE_INTEGER), 'nothing waits')
  expect(heard).toBe(0)
})
