import { expect, test } from 'vitest'
import { createBroadcast } from '../../src/node/broadcast.ts'

async function take<T>(items: AsyncGenerator<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) taken.push((await items.next()).value as T)
  return taken
}

test('followers get what came before they asked for and everything after, each at its own pace', async () => {
  const news = createBroadcast<number>({ aliveMs: 60_000, alive: -1 })
  const life = new AbortController()
  const [a, b] = [news.follow(life.signal, [1]), news.follow(life.signal, [])]
  expect(await take(a, 1)).toEqual([1])
  const waiting = take(b, 2)
  await new Promise((resolve) => setImmediate(resolve))
  for (const item of [2, 3]) news.send(item)
  expect(await waiting).toEqual([2, 3])
  expect(await take(a, 2)).toEqual([2, 3])
  life.abort()
  expect((await a.next()).done).toBe(true)
})

test('quiet times carry a sign of life', async () => {
  const news = createBroadcast<string>({ aliveMs: 10, alive: 'alive' })
  const items = news.follow(new AbortController().signal, [])
  expect(await take(items, 2)).toEqual(['alive', 'alive'])
})

test('one that does not read loses its oldest items and keeps nobody else waiting', async () => {
  const news = createBroadcast<number>({ aliveMs: 60_000, alive: -1 })
  const items = news.follow(new AbortController().signal, [0])
  await take(items, 1)
  for (let item = 1; item <= 5000; item++) news.send(item)
  const [first] = await take(items, 1)
  expect(first).toBe(5000 - 1024 + 1)
})
