import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { NodeError } from '../../../src/errors.ts'
import { silent } from '../../../src/log.ts'
import type { ControlClient } from '../../../src/node/control/client.ts'
import { allOrNone } from '../../../src/node/devnet/all-or-none.ts'
import { inStage, StageFailure } from '../../../src/node/devnet/stage.ts'
import { failureOf, roundFailure } from '../../../src/node/devnet/summary.ts'
import { createWatch } from '../../../src/node/devnet/watch.ts'
import type { NodeEvent } from '../../../src/node/events.ts'

const { signal } = new AbortController()

test('all: results in order; none: the first failure aborts the others and waits for them', async () => {
  const late = async (life: AbortSignal) => delay(20, 'late', { signal: life })
  expect(await allOrNone<[string, string]>(signal, [late, async () => 'soon'])).toEqual([
    'late',
    'soon',
  ])
  let ended = false
  const stubborn = async (life: AbortSignal): Promise<string> => {
    try {
      return await delay(60_000, 'never', { signal: life })
    } finally {
      await delay(30)
      ended = true
    }
  }
  const failing = async (): Promise<string> => {
    throw new NodeError('FAILED_FIRST', 'this one')
  }
  await expect(allOrNone<[string, string]>(signal, [stubborn, failing])).rejects.toMatchObject({
    code: 'FAILED_FIRST',
  })
  expect(ended).toBe(true)
  await expect(allOrNone<[string]>(AbortSignal.abort('enough'), [late])).rejects.toBeDefined()
})

test('a failure names its stage, the innermost when they nest, and has the documented shape', async () => {
  const cause = new NodeError('FAILED_LEASE', 'rent ended with 5')
  const failed = await inStage('lease', () => inStage('inner', () => Promise.reject(cause))).catch(
    (error: unknown) => error,
  )
  expect(failed).toBeInstanceOf(StageFailure)
  expect(roundFailure.parse(JSON.parse(JSON.stringify(failureOf(failed))))).toEqual({
    ok: false,
    stage: 'inner',
    error: { code: 'FAILED_LEASE', message: 'rent ended with 5' },
  })
  expect(failureOf(new Error('port taken'))).toMatchObject({ stage: 'start' })
  expect(await inStage('fine', async () => 7)).toBe(7)
})

/** A control client that tells these events, then nothing more. */
const telling = (...events: string[]): ControlClient =>
  ({
    async *events(life: AbortSignal): AsyncIterable<NodeEvent> {
      for (const event of events) {
        await delay(5)
        yield { event, atMs: Date.now() }
      }
      await delay(60_000, undefined, { signal: life, ref: false }).catch(() => undefined)
    },
  }) as unknown as ControlClient

test('a watch finds what happened before and what happens after, and names what did not', async () => {
  const life = new AbortController()
  const watch = createWatch(life.signal, silent)
  const heard: string[] = []
  watch.each(({ member, event }) => void heard.push(`${member} ${event.event}`))
  watch.follow('miner-1', telling('offer-published', 'slot-started'))
  const find = (name: string) =>
    watch.until(name, 5000, (all) => all.find(({ event }) => event.event === name)?.member, signal)
  expect(await find('slot-started')).toBe('miner-1')
  expect(await find('offer-published')).toBe('miner-1')
  watch.follow('renter', telling('lease-settled'))
  expect(await find('lease-settled')).toBe('renter')
  expect(heard).toEqual(['miner-1 offer-published', 'miner-1 slot-started', 'renter lease-settled'])
  await expect(watch.until('a miracle', 30, () => undefined, signal)).rejects.toMatchObject({
    code: 'FAILED_DEVNET',
    message: expect.stringContaining('a miracle did not happen'),
  })
  const lost = new NodeError('FAILED_PROCESS_ENDED', 'miner-1 ended: SIGKILL')
  await expect(
    watch.until('anything', 5000, () => undefined, AbortSignal.abort(lost)),
  ).rejects.toBe(lost)
  life.abort()
})
