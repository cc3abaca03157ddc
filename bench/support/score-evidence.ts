import { createHash } from 'node:crypto'
import type { Evidence, GpuRef, SlotEvidence, Testimony } from '../../src/node/scoring/evidence.ts'
import { GiB } from '../../src/units.ts'

/** How large a network is, and for how many slots it is remembered. */
export interface NetworkSize {
  readonly miners: number
  readonly validators: number
  readonly slots: number
}

const named = (what: string, i: number): string =>
  createHash('sha256').update(`${what}/${i}`).digest('hex')

/** A number of 0 to 1 that follows from three; the same in every run. */
function noise(a: number, b: number, c: number): number {
  let x = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b) ^ Math.imul(c + 1, 0xc2b2ae35)
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d)
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39)
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32
}

/**
 * What validators of a whole network say: every one of them reports and judges every GPU, their counts differ by a tick
 * here and there, of a hundred GPUs one is silent, and of a hundred reports one did not hear a GPU.
 */
export function networkEvidence({ miners, validators, slots }: NetworkSize): Evidence {
  const gpus = Array.from(
    { length: miners },
    (_, i): GpuRef => ({
      hotkey: named('hotkey', i),
      miner: `12D3KooW${named('miner', i).slice(0, 44)}`,
      gpu: '0000:01:00.0',
    }),
  )
  const voices = Array.from({ length: validators }, (_, i) => named('validator', i))
  const offer = { asset: 'TAO', price: '1000000' }
  const testimony = (slot: number, v: number): Testimony => {
    const rows = gpus.map((ref, g) => {
      const isSilent = noise(slot, g, -1) < 0.01 || noise(slot, g, v) < 0.01
      const tick = noise(g, v, slot) < 0.2 ? 1 : 0
      const [passes, steps] = isSilent ? [0, 0] : [213 - tick, 270 - tick]
      const seen = isSilent ? {} : { heads: heads[slot * miners + g] }
      return { ...ref, mode: 'idle', n: 16_384, bytes: 72 * GiB, passes, steps, offer, ...seen }
    })
    const verdicts = rows.map(({ hotkey, miner, gpu, steps, ...row }) =>
      steps > 0
        ? { hotkey, miner, gpu, verdict: 'VALID', heads: row.heads }
        : { hotkey, miner, gpu, verdict: 'SILENT' },
    )
    return { validator: voices[v]!, rows, verdicts }
  }
  const heads = Array.from({ length: miners * slots }, (_, i) => named('heads', i) + named('h', i))
  const slotOf = (_: unknown, slot: number): SlotEvidence => ({
    slot: 900 * (slot + 1),
    openPulse: {
      round: 900 * (slot + 1) + 4,
      randomness: Buffer.from(named('pulse', slot), 'hex'),
    },
    testimony: voices.map((_, v) => testimony(slot, v)),
  })
  return {
    slots: Array.from({ length: slots }, slotOf),
    validators: voices.map((validator, v) => ({ validator, stake: BigInt(1e14 + v * 1e12) })),
    measured: ['passes', 'steps'],
    windowMs: { residency: 6000, gemm: 3000 },
    roundMs: 3000,
  }
}
