import { afterEach, expect, test } from 'vitest'
import { silent } from '../src/log.ts'
import { createThread, siblingModule, type Thread } from '../src/thread.ts'

const threads: Thread[] = []
function thread(): Thread {
  const module = siblingModule(new URL('./support/x.ts', import.meta.url).href, 'crashing-worker')
  const created = createThread({ module, name: 'test', code: 'GPU_PROVER', log: silent })
  threads.push(created)
  return created
}
afterEach(async () => {
  for (const created of threads.splice(0)) await created[Symbol.asyncDispose]()
})

test('calls are answered, each with its own answer', async () => {
  const t = thread()
  const answers = await Promise.all([1, 2, 3].map((i) => t.call('echo', { i }, 30_000)))
  expect(answers).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }])
})

test('a method that throws rejects its call alone', async () => {
  const t = thread()
  await expect(t.call('fail', 0, 30_000)).rejects.toMatchObject({ code: 'GPU_PROVER_FAILED' })
  expect(await t.call('echo', 5, 30_000)).toBe(5)
})

test('a crash rejects what is pending with a reason code, and the next call starts a new thread', async () => {
  const t = thread()
  const pending = t.call('never', 0, 30_000)
  await t.call('crash', 0, 30_000)
  await expect(pending).rejects.toMatchObject({ code: 'GPU_PROVER_CRASHED' })
  expect(await t.call('echo', 6, 30_000)).toBe(6)
})

test('a thread past its deadline is replaced', async () => {
  const t = thread()
  await expect(t.call('hang', 0, 200)).rejects.toMatchObject({ code: 'GPU_PROVER_TIMEOUT' })
  expect(await t.call('echo', 7, 30_000)).toBe(7)
})

test('after disposal nothing runs', async () => {
  const t = thread()
  await t[Symbol.asyncDispose]()
  await expect(t.call('echo', 0, 1000)).rejects.toMatchObject({ code: 'GPU_PROVER_CRASHED' })
})

test('siblings are found as source and as built', () => {
  expect(siblingModule('file:///a/src/b.ts', 'c').href).toBe('file:///a/src/c.ts')
  expect(siblingModule('file:///a/dist/b.js', 'c').href).toBe('file:///a/dist/c.js')
})
