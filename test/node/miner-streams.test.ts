import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../src/log.ts'
import { createMinerStreams } from '../../src/node/miner-streams.ts'
import type { ChallengeItem } from '../../src/protocols/challenge.ts'
import type { Rpc } from '../../src/protocols/rpc.ts'
import { eventually } from '../support/nodes.ts'

type Script = (signal: AbortSignal) => AsyncIterable<ChallengeItem>

function follow(
  script: Script,
  options: {
    onRecord?: (miner: string, record: Uint8Array, atMs: number) => Promise<boolean>
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
    onRecord = async () => true,
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
    { onRecord: async () => false },
  )
  streams.want(['liar'])
  await eventually(() => records.length > 0, 'its first record is seen')
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect([opened.length, records.length]).toEqual([1, 1])
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

test('what comes at one moment is stamped with it, however long each takes to be heard', async () => {
  let clockMs = 1000
  const stamps: number[] = []
  const go = Promise.withResolvers<void>()
  const { streams } = follow(after(go.promise, 1), {
    nowMs: () => clockMs,
    async onRecord(_miner, _record, atMs) {
      clockMs = 1500
      stamps.push(atMs)
      return true
    },
  })
  streams.want(['a', 'b', 'c', 'd'])
  await eventually(() => streams.standing === 4, 'all stand')
  go.resolve()
  await eventually(() => stamps.length === 4, 'all are heard')
  expect(stamps).toEqual([1000, 1000, 1000, 1000])
})

test("a miner's records are heard in order, one at a time, and hold up nobody else's; until then they are known to wait", async () => {
  let clockMs = 1000
  const heard: string[] = []
  const [go, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()]
  const { streams } = follow(after(go.promise, 1, 2, 3), {
    nowMs: () => clockMs,
    async onRecord(miner, record) {
      heard.push(`${miner}${record[0]}`)
      return miner === 'slow' && record[0] === 1 ? slow.promise : true
    },
  })
  streams.want(['slow', 'quick'])
  await eventually(() => streams.standing === 2, 'both stand')
  expect(streams.isHeard(2000)).toBe(true)
  go.resolve()
  await eventually(() => heard.includes('quick3'), 'the quick one is through')
  clockMs = 2000
  expect(heard.toSorted()).toEqual(['quick1', 'quick2', 'quick3', 'slow1'])
  expect([streams.isHeard(1000), streams.isHeard(1001)]).toEqual([true, false])
  slow.resolve(true)
  await eventually(() => streams.isHeard(2000), 'the slow one is through')
  expect(heard.filter((one) => one.startsWith('slow'))).toEqual(['slow1', 'slow2', 'slow3'])
})

test('a stream with too many records that wait is read no further, but others are', async () => {
  const heard: string[] = []
  let read = 0
  const slow = Promise.withResolvers<boolean>()
  const { streams } = follow(
    async function* (signal) {
      for (let i = 0; i < 1000; i++) {
        read += 1
        yield item(i % 256)
      }
      await forever(signal)
    },
    {
      async onRecord(miner) {
        heard.push(miner)
        return slow.promise
      },
    },
  )
  streams.want(['a', 'b'])
  await eventually(() => heard.length === 2, 'both are begun with')
  expect([heard.toSorted(), read]).toEqual([['a', 'b'], 2 * 256])
  slow.resolve(true)
  await eventually(() => heard.length === 2000, 'all is heard')
})

test('of a miner that is let go, nothing more is heard, and nobody waits for it', async () => {
  const heard: number[] = []
  const slow = Promise.withResolvers<boolean>()
  const { streams } = follow(after(Promise.resolve(), 1, 2, 3), {
    async onRecord(_miner, record) {
      heard.push(record[0]!)
      return slow.promise
    },
  })
  streams.want(['a'])
  await eventually(() => heard.length === 1, 'its first record is being heard')
  streams.want([])
  slow.resolve(true)
  await eventually(() => streams.isHeard(Number.MAX_SAFE_INTEGER), 'nothing waits')
  expect(heard).toEqual([1])
})
