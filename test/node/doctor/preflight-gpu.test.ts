import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NodeError } from '../../../src/errors.ts'
import { cpuDevice } from '../../../src/gpu/inventory.ts'
import type { ProofPlan } from '../../../src/gpu/plan-proofs.ts'
import type { Prover } from '../../../src/gpu/prover.ts'
import { createProver } from '../../../src/gpu/prover-process.ts'
import { silent } from '../../../src/log.ts'
import { preflightGpu } from '../../../src/node/doctor/preflight-gpu.ts'

const sizes = { n: 256, bytes: 2 ** 20 }
const plan: ProofPlan = { device: { backend: 'cpu', threads: 1 }, sizes }
const sample = { gpu: cpuDevice(), state: 'ok', reason: null } as const
const noShrink = async () => undefined

describe('one device', () => {
  let prover: Prover
  beforeAll(() => {
    prover = createProver({ backend: 'cpu', threads: 1 }, silent)
  })
  afterAll(() => prover[Symbol.asyncDispose]())
  const check = async (over: Partial<Parameters<typeof preflightGpu>[0]> = {}) => {
    const needs = { sample, plan, prover, network: 'local', shrink: noShrink } as const
    const found = await preflightGpu({ ...needs, ...over })
    return found.map(({ check, ok, required, actual, remedy }) => ({
      check,
      ok,
      required,
      actual,
      remedy,
    }))
  }

  test('that is sound passes everything', async () => {
    const found = await check()
    expect(found.map(({ check, ok }) => [check, ok])).toEqual([
      ['driver cpu-0', true],
      ['backend cpu-0', true],
      ['self-proof cpu-0', true],
      ['sizes cpu-0', true],
    ])
    expect(found[2]!.actual).toMatch(/^VALID: \d+ passes, \d+ steps of n = 256$/)
  })

  test('that is lost is not tried', async () => {
    const lost = { ...sample, state: 'lost', reason: 'GPU requires reset' } as const
    const [found, ...others] = await check({ sample: lost })
    expect(others).toEqual([])
    expect(found).toMatchObject({ ok: false, required: true })
    expect(found!.actual).toContain('GPU requires reset')
  })

  test('that nothing drives may be offered all the same', async () => {
    const refused = { refusal: 'webgpu: no adapter', next: 'install a driver' }
    const [, found, ...others] = await check({ plan: refused, prover: undefined })
    expect(others).toEqual([])
    expect(found).toMatchObject({ ok: false, required: false, remedy: 'install a driver' })
  })

  test('whose arithmetic is wrong fails', async () => {
    const wrong = {
      ...prover,
      openRows: async (...args: Parameters<Prover['openRows']>) => {
        const opened = await prover.openRows(...args)
        return { ...opened, rows: opened.rows.map((b, i) => (i === 0 ? b ^ 1 : b)) }
      },
    }
    const found = await check({ prover: wrong })
    expect(found).toHaveLength(3)
    expect(found[2]).toMatchObject({ ok: false, required: true })
    expect(found[2]!.actual).toMatch(/in the matrix chain/)
  })

  test('whose driver fails says what its backend said', async () => {
    const next = 'update the driver'
    const prepare = async () => {
      throw new NodeError('GPU_PROVER_FAILED', 'the PTX is refused', { next })
    }
    const found = await check({ prover: { ...prover, prepare } })
    expect(found[2]).toMatchObject({ ok: false, actual: 'the PTX is refused', remedy: next })
  })

  test('whose memory is short takes less, or fails', async () => {
    // The short proof fits, and what is announced does not.
    const shortOfMemory = (): Prover => {
      let calls = 0
      const prepare = async (wanted: typeof sizes) => {
        if (++calls === 1) return prover.prepare(wanted)
        throw new NodeError('GPU_PROVER_FAILED', 'full', { reason: 'GPU_MEMORY' })
      }
      return { ...prover, prepare }
    }
    const fits = await check({
      prover: shortOfMemory(),
      shrink: async () => ({ n: 256, bytes: 2 ** 29 }),
    })
    expect(fits.at(-1)).toMatchObject({ ok: true, actual: 'n = 256 and 512 MiB resident' })
    const none = await check({ prover: shortOfMemory() })
    expect(none.at(-1)).toMatchObject({ ok: false, required: true, check: 'sizes cpu-0' })
  })
})
