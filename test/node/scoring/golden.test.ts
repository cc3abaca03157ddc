import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { PUBLIC_CONSTANTS } from '../../../src/node/scoring/constants.ts'
import type { Evidence, GpuRef, Testimony } from '../../../src/node/scoring/evidence.ts'
import { score } from '../../../src/node/scoring/score.ts'
import { randomFrom } from '../../support/random.ts'

/** Everything that may be said, mixed by one seed: liars, the deaf, leases, proofs, offers, names in any order. */
function mixed(seed: number): Evidence {
  const random = randomFrom(seed)
  const one = <T>(...all: T[]): T => all[Math.floor(random() * all.length)]!
  const gpus = Array.from({ length: 14 }, (_, i): GpuRef => {
    const hotkey = String(i >> 1).padStart(64, '0')
    return { hotkey, miner: `peer${i >> 1}`, gpu: i === 13 ? 'cpu-0' : `pci-${i}` }
  })
  const voices = Array.from({ length: 9 }, (_, i) => `v${i}`)
  const said = (validator: string, slot: number): Testimony => {
    const order = random() < 0.3 ? gpus.toSorted(() => random() - 0.5) : gpus
    const lies = random() < 0.15
    const named = order.filter(() => random() < 0.97)
    const rows = named.map((ref) => {
      const quiet = random() < 0.05
      const mode =
        (slot + ref.gpu.length) % 5 === 0 ? 'leased' : random() < 0.02 ? 'exclusive' : 'idle'
      return {
        ...ref,
        mode,
        n: one(16_384, 16_384, 16_384, 8192),
        bytes: (mode === 'leased' ? 2.25 : 72) * 2 ** 30,
        passes: quiet ? 0 : mode === 'leased' ? 480 : 213 - one(0, 0, 0, 1),
        steps: quiet ? 0 : 270 - one(0, 0, 1, 2),
        ...(random() < 0.5 ? { checkpoints: one(600, 640) } : {}),
        ...(random() < 0.8
          ? { offer: one({ asset: 'TAO', price: one('100000', '999999999') }, null) }
          : {}),
        ...(quiet ? {} : { heads: lies ? 'other' : `heads-${slot}` }),
      }
    })
    const verdicts = rows
      .filter(() => random() < 0.9)
      .map(({ hotkey, miner, gpu, steps, heads }) => ({
        ...{ hotkey, miner, gpu },
        verdict:
          steps === 0 ? 'SILENT' : random() < 0.1 ? one('BAD_PATH', 'UNAVAILABLE', 'NEW') : 'VALID',
        ...(random() < 0.9 && heads !== undefined ? { heads } : {}),
        ...(random() < 0.05 ? { falseWitness: true } : {}),
        ...(random() < 0.5 ? { locality: one('VALID', 'BAD_VALUE') } : {}),
      }))
    return { validator, rows, verdicts }
  }
  const slots = Array.from({ length: 50 }, (_, i) => ({
    slot: 900 * (i + 1),
    ...(random() < 0.8
      ? { openPulse: { round: 900 * (i + 1) + 4, randomness: new Uint8Array(32).fill(i) } }
      : {}),
    testimony: voices.filter(() => random() < 0.93).map((v) => said(v, i)),
  }))
  const found = Array.from({ length: 6 }, () => {
    const { miner, gpu } = one(...gpus)
    return {
      slot: one(...slots).slot,
      miner,
      gpu,
      reason: one('BAD_VALUE', 'EQUIVOCATION') as 'BAD_VALUE',
    }
  })
  return {
    slots,
    validators: voices.map((validator, i) => ({
      validator,
      stake: 10n ** 15n + BigInt(i) * 2n ** 50n,
    })),
    registered: new Map(gpus.slice(0, 12).map(({ hotkey }, i) => [hotkey, i === 3 ? 9000 : 0])),
    proofs: { found, roundMs: 3000, roundsPerSlot: 900 },
    leases: new Map([[gpus[0]!.hotkey, { failedPaidHours: 1, gpuHours: 20 }]]),
    burned: new Map([[gpus[2]!.hotkey, 0.001]]),
    measured: ['passes', 'steps'],
    windowMs: { residency: 6000, gemm: 3000 },
    leasedWindowMs: { residency: 500, gemm: 3000 },
    locality: { windowMs: 2000, hops: 4096 },
    roundMs: 3000,
  }
}

const digest = (evidence: Evidence): string => {
  const { miners, ...rest } = score(evidence, PUBLIC_CONSTANTS)
  return hash('sha256', JSON.stringify([[...miners], rest])).slice(0, 16)
}

test.each([
  [1, '953dace2702cf968'],
  [2, 'c51fcbb506030953'],
  [3, '89c022993593e00c'],
])('evidence of seed %i is scored as ever, to the last letter', (seed, expected) =>
  expect(digest(mixed(seed))).toBe(expected),
)

test('that evidence has all that scores tell apart', () => {
  const seen = [1, 2, 3].flatMap((seed) =>
    [...score(mixed(seed), PUBLIC_CONSTANTS).miners.values()].flatMap(({ gpus }) =>
      gpus.flatMap(({ slots }) =>
        slots.flatMap(({ outcome, reason, ignored = [] }) => [
          outcome,
          reason,
          ...ignored.map((word) => word.reason),
        ]),
      ),
    ),
  )
  expect(new Set(seen)).toEqual(
    new Set([
      ...['ok', 'failed', 'unknown', 'networkUnknown'],
      ...['OK', 'BAD_PATH', 'BAD_SHAPE', 'BAD_VALUE', 'BELOW_MINIMUM', 'EQUIVOCATION', 'SILENT'],
      ...['FALSE_WITNESS', 'OTHER_HEADS', 'OUTVOTED', 'OPENINGS_MISSING', 'UNKNOWN_CHECKER'],
      ...['LEASED', 'LEASED_STALE', 'NETWORK_UNKNOWN', 'NO_OFFER', 'OFFER_TOO_DEAR'],
    ]),
  )
})
