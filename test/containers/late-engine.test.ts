import { expect, test } from 'vitest'
import { createLateEngine } from '../../src/containers/late-engine.ts'
import { NodeError } from '../../src/errors.ts'
import { FakeEngine } from '../support/fake-engine.ts'

test('it is opened when it answers, once, and let go of at the end', async () => {
  const inner = new FakeEngine()
  let closed = 0
  inner.close = async () => void closed++
  let isThere = false
  let opened = 0
  const engine = createLateEngine(async () => {
    opened++
    if (isThere) return inner
    throw new NodeError('ENGINE_UNKNOWN', 'nothing there')
  })
  expect(await engine.check()).toMatchObject({ code: 'ENGINE_UNKNOWN' })
  await expect(engine.list()).rejects.toThrow('nothing there')
  await expect(engine.volumes!.list()).rejects.toThrow('nothing there')
  expect(engine.isolation.fenced).toBe(false)
  expect(() => engine.checkImage('busybox')).toThrow(
    expect.objectContaining({ code: 'REFUSED_NO_CAPACITY' }),
  )
  isThere = true
  const before = opened
  expect(await Promise.all([engine.check(), engine.list()])).toEqual([undefined, []])
  expect(await engine.volumes!.list()).toEqual([])
  expect(opened).toBe(before + 1)
  expect([engine.label, engine.isolation]).toEqual([inner.label, inner.isolation])
  await engine.close()
  expect(closed).toBe(1)
})

test('one that answers only while the node stops is let go of', async () => {
  const inner = new FakeEngine()
  let closed = 0
  inner.close = async () => void closed++
  const answer = Promise.withResolvers<FakeEngine>()
  const engine = createLateEngine(() => answer.promise)
  const asked = engine.list()
  const closing = engine.close()
  answer.resolve(inner)
  await closing
  expect([await asked, closed]).toEqual([[], 1])
  const never = createLateEngine(async () => inner)
  await never.close()
  await expect(never.list()).rejects.toMatchObject({ code: 'ENGINE_UNKNOWN' })
})
