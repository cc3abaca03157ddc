import { expect, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { createScores } from '../../../src/node/scores.ts'
import type { Capability } from '../../../src/protocols/capability.ts'
import { MiB } from '../../../src/units.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket } from '../../support/slot-market.ts'

const IDLE = { n: 512, bytes: 4 * MiB }
const LEASED = { n: 256, bytes: MiB }

test('a device goes on to prove beside a tenant, owes nothing to one that bought that, and comes back', {
  timeout: 300_000,
}, async () => {
  const market = createSlotMarket()
  const validators = [await market.node('validator'), await market.node('validator')] as const
  const miner = await market.node('miner')
  const [one] = validators
  const { beacon, shared } = market
  const record = shared.capabilities.find(({ payload }) => payload.peerId === miner.peerId)!
  const hotkey = Buffer.from(miner.core.key.publicKey).toString('hex')
  const scores = createScores({
    core: one.core,
    attestations: one.parts.attestations,
    frauds: { proofs: () => [], liars: () => new Set(), revision: () => 0 },
    beacon,
    validators: one.parts.validators,
    block: () => undefined,
  })
  let standing: Pick<Capability['devices'][number], 'mode' | 'modeFromMs' | 'modeBefore'> = {}
  /** Announces a mode from the next whole slot on; resolves with that slot. */
  function announce(mode: string): number {
    const from = market.nextSlot()
    standing = { mode, modeFromMs: timeOf(beacon, from), modeBefore: standing.mode ?? 'idle' }
    const device = { id: 'cpu-0', vendor: 'cpu', name: 'CPU', vramMiB: 0 }
    const devices = [{ ...device, proofN: IDLE.n, proofBytes: IDLE.bytes, ...standing }]
    Object.assign(record, { payload: { ...record.payload, devices } })
    return from
  }
  /** The miner's first slot from `from` on that counts as `mode`; a busy machine may lose one to itself. */
  async function slotIn(mode: string, from: number) {
    const found = () => {
      const gpu = scores.of(hotkey)?.gpus[0]
      return gpu?.slots.find((s) => s.slot >= from && s.mode === mode && s.outcome === 'ok')
    }
    await eventually(() => found() !== undefined, `a slot in mode ${mode}`, 120_000)
    const slot = found()!
    const testimony = one.parts.attestations.slots(slot.slot, slot.slot)[0]!.testimony
    return {
      slot,
      rows: testimony.map(({ report }) => report!.rows[0]!),
      verdicts: testimony.flatMap(({ verdicts }) => verdicts?.rows ?? []),
      started: miner.events.filter((e) => e.event === 'slot-started' && e['slot'] === slot.slot),
    }
  }

  const idle = await slotIn('idle', announce('idle'))
  expect(idle.rows).toMatchObject([IDLE, IDLE])
  expect(idle.slot.units).toBeGreaterThan(0)

  const leased = await slotIn('leased', announce('leased'))
  expect(leased.rows).toMatchObject([LEASED, LEASED])
  expect(leased.verdicts.map(({ verdict }) => verdict)).toContain('VALID')
  expect(leased.started).toMatchObject([{ mode: 'leased', ...LEASED }])
  expect(leased.slot).toMatchObject({ reason: 'LEASED' })
  expect(leased.slot.units).toBeGreaterThan(0)
  const idleUnits = (scores.of(hotkey)!.gpus[0]!.slots ?? [])
    .filter(({ mode, slot }) => mode === 'idle' && slot < leased.slot.slot)
    .map(({ units }) => units)
  expect(leased.slot.units).toBeLessThanOrEqual(Math.max(...idleUnits) / 2 + 1e-6)

  const exclusive = await slotIn('exclusive', announce('exclusive'))
  expect(exclusive.rows).toMatchObject([{ passes: 0, steps: 0 }, { mode: 'exclusive' }])
  expect(exclusive.verdicts).toEqual([])
  expect(exclusive.started).toEqual([])
  expect(exclusive.slot).toMatchObject({ units: 0, reason: 'EXCLUSIVE_LEASE' })
  expect(miner.events.map(({ event }) => event)).toContain('gpu-given-back')

  const back = await slotIn('idle', announce('idle'))
  expect(back.rows).toMatchObject([IDLE, IDLE])
  expect(back.slot.reason).toBe('OK')
  const gpu = scores.of(hotkey)!.gpus[0]!
  const exclusives = gpu.slots.filter(({ mode }) => mode === 'exclusive')
  expect(exclusives.map(({ outcome }) => outcome)).not.toContain('failed')
  const [term] = gpu.terms
  expect(term?.detail).toMatch(/ leased, .* exclusive/)
})
