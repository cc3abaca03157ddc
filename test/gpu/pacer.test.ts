import { expect, test } from 'vitest'
import type { Backend } from '../../src/gpu/backend.ts'
import { Pacer } from '../../src/gpu/pacer.ts'
import { runWork } from '../../src/gpu/prove-work.ts'
import { randomFrom } from '../support/random.ts'

test.each([0.1, 0.5, 0.75, 0.9])('at a duty of %d rests are in proportion to work', (duty) => {
  const random = randomFrom(9)
  const pacer = new Pacer(duty)
  let [worked, rested] = [0, 0]
  for (let i = 0; i < 2000; i++) {
    const took = random() * 5
    worked += took
    const rest = pacer.worked(took)
    if (rest === 0) continue
    expect(rest).toBeGreaterThanOrEqual(2)
    const slept = rest * (0.8 + random()) // timers are early or late
    pacer.rested(slept)
    rested += slept
  }
  expect(worked / (worked + rested)).toBeCloseTo(duty, 1)
})

test('full duty never rests; a duty that is none is refused', () => {
  const pacer = new Pacer(1)
  expect([1, 1000, 1e6].map((ms) => pacer.worked(ms))).toEqual([0, 0, 0])
  for (const bad of [0, -1, 1.01, Number.NaN]) expect(() => new Pacer(bad)).toThrow(RangeError)
})

/** A backend whose every step takes 3 ms of a clock of its own, and that notes how a chain was started. */
function slowBackend() {
  const clock = { nowMs: 0 }
  const step = async () => {
    clock.nowMs += 3
    return new Uint8Array(32)
  }
  const started: unknown[] = []
  const backend = {
    pass: step,
    step,
    startChain: async (_: Uint8Array, options: unknown) => void started.push(options),
  } as Partial<Backend> as Backend
  return { backend, started, clock }
}

test.each(['residency', 'gemm'] as const)(
  '%s at half duty rests as long as it works',
  async (work) => {
    const { backend, started, clock } = slowBackend()
    let [left, rested] = [20, 0]
    const goesOn = (restMs: number): boolean => {
      rested += restMs
      clock.nowMs += restMs
      return left-- > 0
    }
    const roots: Uint8Array[] = []
    const job = { work, seed: new Uint8Array(32), duty: 0.5 }
    await runWork(
      backend,
      job,
      goesOn,
      (root) => roots.push(root),
      () => clock.nowMs,
    )
    expect(roots).toHaveLength(20)
    expect(rested).toBe(60)
    expect(started).toEqual(work === 'gemm' ? [{ ahead: false }] : [])
  },
)

test('at full duty nothing rests, and a device may work ahead', async () => {
  const { backend, started, clock } = slowBackend()
  const asked: number[] = []
  const goesOn = (restMs: number): boolean => asked.push(restMs) < 6
  const job = { work: 'gemm' as const, seed: new Uint8Array(32) }
  await runWork(
    backend,
    job,
    goesOn,
    () => undefined,
    () => clock.nowMs,
  )
  expect(asked).toEqual([0, 0, 0, 0, 0, 0])
  expect(started).toEqual([{ ahead: true }])
})
