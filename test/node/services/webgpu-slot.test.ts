import { describe, expect, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { NO_FIGURES } from '../../../src/gpu/gpu.ts'
import { cpuDevice } from '../../../src/gpu/inventory.ts'
import { planProofs } from '../../../src/gpu/plan-proofs.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket } from '../../support/slot-market.ts'
import { noVulkan } from '../../support/vulkan.ts'

/** Slots to try: on a busy machine a window may pass without a step. */
const TRIES = 8

describe.skipIf(noVulkan)('a machine whose only adapter is software', () => {
  test('proves slots by WebGPU where its owner wants so, and a validator finds it VALID', {
    timeout: 300_000,
  }, async () => {
    const samples = [{ gpu: cpuDevice(), figures: NO_FIGURES }]
    const elsewhere = await planProofs(samples, { choice: 'webgpu', network: 'finney' })
    expect(elsewhere.get('cpu-0')).toMatchObject({ refusal: expect.stringContaining('software') })

    const plans = await planProofs(samples, { choice: 'webgpu', network: 'local' })
    const proof = plans.get('cpu-0')!
    if ('refusal' in proof) throw new Error(proof.refusal)
    expect(proof).toMatchObject({
      device: { backend: 'webgpu', adapter: expect.stringContaining('SwiftShader') },
    })

    const market = createSlotMarket()
    const validator = await market.node('validator')
    const miner = await market.node('miner', { proof })
    const verdict = () =>
      validator.events.find((e) => e.event === 'slot-verdict' && e['verdict'] === 'VALID')
    const over = timeOf(market.beacon, market.nextSlot() + 12 * TRIES)
    await eventually(() => verdict() !== undefined || Date.now() > over, 'a verdict', 200_000)
    expect(verdict()).toMatchObject({ miner: miner.peerId })
    expect(verdict()!['steps']).toBeGreaterThan(0)
    expect(verdict()!['passes']).toBeGreaterThan(0)
    const started = miner.events.find(({ event }) => event === 'slot-started')
    expect(started).toMatchObject({ backend: 'webgpu', n: 256 })
  })
})
