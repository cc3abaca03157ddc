import { afterAll, expect, test } from 'vitest'
import { faultOf, offlineSlot, proveOffline, workFor } from '../../src/gpu/prove-offline.ts'
import { createProver } from '../../src/gpu/prover-process.ts'
import type { Announcement } from '../../src/gpu/slot.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { hits, startsSlot } from '../../src/gpu/slot-schedule.ts'
import { silent } from '../../src/log.ts'

const prover = createProver({ backend: 'cpu', threads: 1 }, silent)
afterAll(() => prover[Symbol.asyncDispose]())
const net = slotNetworks.local
const gpu: Announcement = {
  genesis: new Uint8Array(32),
  netuid: 0,
  hotkey: new Uint8Array(32).fill(1),
  peerId: 'nobody',
  gpuId: 'cpu-0',
  n: 256,
  bytes: 2 ** 20,
}
const flipFirst = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === 0 ? b ^ 1 : b))

test('a proof without a network is what a verifier expects, and nothing else is', async () => {
  const offline = offlineSlot(net, Date.now())
  const forMs = { residency: 50, gemm: 50 }
  const stages: string[] = []
  const job = { prover, net, gpu, offline, forMs, onStage: (stage: string) => stages.push(stage) }
  const proof = await proveOffline(job)
  expect(faultOf(proof, net)).toBeUndefined()
  expect(proof.finals.residency.count).toBeGreaterThan(0)
  expect(stages.length).toBeGreaterThan(3)
  const { residency, gemm } = proof.openings
  const rows = { residency, gemm: { ...gemm, rows: flipFirst(gemm.rows) } }
  expect(faultOf({ ...proof, openings: rows }, net)).toMatch(/in the matrix chain/)
  const leaves = { residency: { ...residency, leaves: flipFirst(residency.leaves) }, gemm }
  expect(faultOf({ ...proof, openings: leaves }, net)).toMatch(/in the passes/)
})

test.each(['local', 'finney'] as const)('its slot may start on %s', (name) => {
  const slots = slotNetworks[name]
  const { slot, beacon, pulses } = offlineSlot(slots, Date.now())
  expect(startsSlot({ ...slots, denominator: 1, spacing: 1 }, slot, () => pulses.start)).toBe(true)
  expect(hits({ ...slots, denominator: 1 }, pulses.start)).toBe(true)
  for (const { round, signature } of Object.values(pulses)) {
    expect(beacon.verify(round, signature)).not.toBeNull()
  }
})

/** A prover that hands over a root every `stepMs`, until it is stopped. */
const stepping = (stepMs: number) => {
  let stopped = false
  return {
    async run(_: unknown, onRoot: (root: Uint8Array) => void) {
      stopped = false
      while (!stopped) {
        await new Promise((resolve) => setTimeout(resolve, stepMs))
        onRoot(new Uint8Array(32))
      }
    },
    stop() {
      stopped = true
    },
  }
}
const job = { work: 'gemm', seed: new Uint8Array(32) } as const

test('work ends at its time, at the most roots, and never without a root', async () => {
  const slow = await workFor(stepping(60), job, { forMs: 10, most: 100 })
  expect(slow.roots).toHaveLength(1)
  expect(slow.tookMs).toBeGreaterThan(10)
  const many = await workFor(stepping(1), job, { forMs: 60_000, most: 3 })
  expect(many.roots).toHaveLength(3)
  const timed = await workFor(stepping(5), job, { forMs: 200, most: 10_000 })
  expect(timed.tookMs).toBeLessThanOrEqual(200)
  expect(timed.roots.length).toBeGreaterThan(0)
})
