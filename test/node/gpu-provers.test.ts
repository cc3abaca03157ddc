import { expect, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import type { ProofSizes } from '../../src/gpu/backend.ts'
import type { ProofPlans } from '../../src/gpu/plan-proofs.ts'
import type { Prover } from '../../src/gpu/prover.ts'
import { silent } from '../../src/log.ts'
import { createEvents } from '../../src/node/events.ts'
import { createGpuProvers } from '../../src/node/gpu-provers.ts'
import { GiB } from '../../src/units.ts'
import { testNet } from '../support/market.ts'

const device = { backend: 'cuda', uuid: 'GPU-1' } as const
const plans: ProofPlans = new Map([
  ['a', { device, sizes: { n: 1024, bytes: GiB } }],
  ['b', { refusal: 'nothing drives it', next: 'buy another' }],
])

/** Provers whose devices have room for `room` bytes. */
function world(room: number) {
  const tried: ProofSizes[] = []
  const closed: string[] = []
  const create = () =>
    ({
      backend: 'cuda',
      async prepare(sizes) {
        tried.push(sizes)
        if (sizes.bytes <= room) return
        throw new NodeError('GPU_PROVER_FAILED', 'full', { reason: 'GPU_OUT_OF_MEMORY' })
      },
      [Symbol.asyncDispose]: async () => void closed.push('a'),
    }) as Partial<Prover> as Prover
  const stack = new AsyncDisposableStack()
  const events = createEvents(() => 0)
  const core = { net: testNet(), log: silent, events }
  const provers = createGpuProvers({ core, plans, create }, stack)
  let changes = 0
  const life = new AbortController()
  provers.onChange(() => changes++, life.signal)
  return { provers, tried, closed, stack, life, changes: () => changes, events }
}

test('a device that nothing proves has no process and announces no sizes', async () => {
  const { provers, stack, closed } = world(GiB)
  expect([provers.proverOf('a') !== undefined, provers.sizesOf('a')?.n]).toEqual([true, 1024])
  expect([provers.proverOf('b'), provers.sizesOf('b')]).toEqual([undefined, undefined])
  expect([provers.proverOf('c'), provers.planOf('c')]).toEqual([undefined, undefined])
  await stack.disposeAsync()
  expect(closed).toEqual(['a'])
})

test('what does not fit shrinks until it does, and is announced once', async () => {
  const { provers, tried, changes, events } = world(GiB / 2)
  await provers.shrink('a')
  const { bytes } = provers.sizesOf('a')!
  expect(bytes).toBeLessThanOrEqual(GiB / 2)
  expect(bytes).toBeGreaterThan((GiB / 2) * (7 / 8) * 0.99)
  expect(tried.at(-1)).toEqual(provers.sizesOf('a'))
  expect(changes()).toBe(1)
  expect(events.recent().map(({ event }) => event)).toEqual(['gpu-proves-less'])
})

test('where nothing fits it proves no more, and says so', async () => {
  const { provers, changes, life } = world(0)
  await provers.shrink('a')
  expect(provers.sizesOf('a')).toBeUndefined()
  expect(provers.planOf('a')).toMatchObject({ refusal: expect.stringContaining('no memory') })
  expect(changes()).toBe(1)
  life.abort()
})
