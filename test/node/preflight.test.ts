import { expect, test } from 'vitest'
import { NO_FIGURES } from '../../src/gpu/gpu.ts'
import { cpuDevice } from '../../src/gpu/inventory.ts'
import type { Prover } from '../../src/gpu/prover.ts'
import { silent } from '../../src/log.ts'
import { finding } from '../../src/node/doctor/finding.ts'
import { createEvents } from '../../src/node/events.ts'
import type { GpuProvers } from '../../src/node/gpu-provers.ts'
import { type GpuStanding, unjudged } from '../../src/node/own-gpus.ts'
import { createPreflight } from '../../src/node/preflight.ts'
import { testNet } from '../support/market.ts'

const standing = (id: string, over: Partial<GpuStanding> = {}): GpuStanding => ({
  ...unjudged({
    gpu: { ...cpuDevice(), id },
    atMs: 0,
    state: 'ok',
    reason: null,
    figures: NO_FIGURES,
  }),
  ...over,
})

/** Devices whose checks end as the test says. */
function world(ids: string[], refused: string[] = []) {
  const clock = { nowMs: 0 }
  const control = { fails: false, waits: undefined as Promise<void> | undefined }
  const checked: string[] = []
  const did: string[] = []
  const provers = {
    planOf: () => undefined,
    proverOf: (gpu: string) =>
      refused.includes(gpu)
        ? undefined
        : ({ release: async () => void did.push(`${gpu} release`) } as Partial<Prover>),
    replan: async (gpu: string) => void did.push(`${gpu} replan`),
    shrink: async () => undefined,
    sizesOf: () => undefined,
  } as Partial<GpuProvers> as GpuProvers
  const events = createEvents(() => clock.nowMs)
  const core = { net: testNet(), log: silent, events, nowMs: () => clock.nowMs }
  const preflight = createPreflight({
    core,
    provers,
    gpus: ids,
    async check({ sample }) {
      checked.push(sample.gpu.id)
      await control.waits
      const details = { required: true, actual: 'wrong', wanted: 'right', remedy: 'mend it' }
      return [finding(`self-proof ${sample.gpu.id}`, !control.fails, details)]
    },
  })
  const told = () => events.recent().map(({ event, gpu }) => `${event} ${gpu}`)
  return { preflight, clock, control, checked, did, told }
}

test('no device is announced before it passed, and each is checked once', async () => {
  const { preflight, checked, told } = world(['a', 'b'])
  const changes: string[] = []
  preflight.onChange(async () => void changes.push('changed'), new AbortController().signal)
  expect(preflight.barOf('a')).toMatchObject({ kind: 'unfit' })
  await preflight.look([standing('a'), standing('b')])
  expect([preflight.barOf('a'), preflight.barOf('b')]).toEqual([undefined, undefined])
  await preflight.look([standing('a'), standing('b')])
  expect(checked).toEqual(['a', 'b'])
  expect(changes).toHaveLength(2)
  expect(told()).toEqual(['preflight-passed a', 'preflight-passed b'])
  expect(preflight.findings().map(({ check }) => check)).toEqual(['self-proof a', 'self-proof b'])
})

test('one that fails stays out, is given back, and is tried again later', async () => {
  const { preflight, control, clock, checked, did, told } = world(['a'])
  control.fails = true
  await preflight.look([standing('a')])
  expect(preflight.barOf('a')).toEqual({ kind: 'unfit', reason: 'wrong' })
  expect(did).toEqual(['a release'])
  await preflight.look([standing('a')])
  expect(checked).toHaveLength(1)
  control.fails = false
  clock.nowMs += 10 * 60_000
  await preflight.look([standing('a')])
  expect(preflight.barOf('a')).toBeUndefined()
  expect(did.at(-1)).toBe('a replan')
  expect(told()).toEqual(['preflight-failed a', 'preflight-passed a'])
})

test('a lost or paused one is not touched; a lost one is planned and checked anew when it is back', async () => {
  const { preflight, checked, did } = world(['a'])
  const lost = standing('a')
  await preflight.look([{ ...lost, sample: { ...lost.sample, state: 'lost', reason: 'gone' } }])
  await preflight.look([standing('a', { paused: 'hot' })])
  expect(checked).toEqual([])
  await preflight.look([standing('a')])
  preflight.reset('a')
  expect(preflight.barOf('a')).toMatchObject({ kind: 'unfit' })
  await preflight.look([standing('a')])
  expect(checked).toEqual(['a', 'a'])
  expect(did).toEqual(['a replan'])
})

test('what is found of a device that was lost meanwhile counts no more', async () => {
  const { preflight, control } = world(['a'])
  const { promise, resolve } = Promise.withResolvers<void>()
  control.waits = promise
  const looked = preflight.look([standing('a')])
  preflight.reset('a')
  resolve()
  await looked
  expect(preflight.barOf('a')).toMatchObject({ kind: 'unfit' })
})

test('what nothing drives has nothing to pass', () => {
  const { preflight } = world(['a'], ['a'])
  expect(preflight.barOf('a')).toBeUndefined()
})
