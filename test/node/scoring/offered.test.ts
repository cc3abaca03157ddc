import { expect, test } from 'vitest'
import { LOCAL_CONSTANTS, PUBLIC_CONSTANTS } from '../../../src/node/scoring/constants.ts'
import type { Evidence } from '../../../src/node/scoring/evidence.ts'
import { offerFault } from '../../../src/node/scoring/offered.ts'
import { score } from '../../../src/node/scoring/score.ts'
import type { SeenOffer } from '../../../src/node/scoring/slot-outcome.ts'

const fine: SeenOffer = { asset: 'TAO', price: '10000000' } // 0.01 TAO
const dear: SeenOffer = { asset: 'TAO', price: '100000001' } // a base unit above the cap of one unit
const word = (value: SeenOffer | null, stake = 50n) => ({ stake, value })
const faultOf = (...seen: ReturnType<typeof word>[]) => offerFault(seen, 1, 100n, PUBLIC_CONSTANTS)

test('a price is held against what the GPU is worth', () => {
  expect(faultOf(word(fine), word(fine))).toBeUndefined()
  expect(faultOf(word(dear, 100n))).toBe('OFFER_TOO_DEAR')
  expect(offerFault([word(dear, 100n)], 2, 100n, PUBLIC_CONSTANTS)).toBeUndefined()
})

test('more than half of active stake must miss the offer; who tells nothing has no say', () => {
  expect(faultOf(word(null, 50n))).toBeUndefined()
  expect(faultOf(word(null, 51n))).toBe('NO_OFFER')
  expect(faultOf()).toBeUndefined()
  expect(faultOf(word(null, 30n), word(dear, 31n))).toBe('OFFER_TOO_DEAR')
  expect(faultOf(word(null, 31n), word(dear, 30n))).toBe('NO_OFFER')
})

test('an asset without a cap is no price', () => {
  expect(faultOf(word({ asset: 'GOLD', price: '0' }, 100n))).toBe('NO_OFFER')
})

const gpu = { hotkey: '1'.padStart(64, '0'), miner: 'p', gpu: 'cpu-0' }
const evidence = (offers: readonly (SeenOffer | null | undefined)[], mode = 'idle'): Evidence => ({
  slots: offers.map((offer, i) => ({
    slot: 12 * (i + 1),
    testimony: [
      {
        validator: 'v',
        rows: [
          {
            ...{ ...gpu, mode, n: 512, bytes: 2 ** 23, passes: 100, steps: 80 },
            ...(offer === undefined ? {} : { offer }),
          },
        ],
        verdicts: [{ ...gpu, verdict: 'VALID' }],
      },
    ],
  })),
  validators: [{ validator: 'v', stake: 1n }],
  measured: ['passes', 'steps'],
  windowMs: { residency: 1000, gemm: 1000 },
})
const scored = (e: Evidence) => score(e, LOCAL_CONSTANTS).miners.get(gpu.hotkey)!

test('a slot without an offer is ok and worth nothing, and the score says so', () => {
  const offer = { asset: 'DEV', price: '500000' }
  const whole = scored(evidence([offer, offer]))
  const half = scored(evidence([offer, null]))
  expect(half.score).toBeCloseTo(whole.score / 2, 5)
  expect(half.reliability).toBe(1)
  expect(half.gpus[0]!.slots.map(({ reason }) => reason)).toEqual(['OK', 'NO_OFFER'])
  const none = scored(evidence([null, null, { asset: 'DEV', price: '99999999999999' }]))
  expect(none).toMatchObject({ score: 0, reason: 'NO_OFFER' })
  expect(none.gpus[0]!.terms[0]!.detail).toContain(
    '2 of them worth nothing without a live offer, 1 of them worth nothing at a price above PRICE_CAP',
  )
})

test('reports that tell nothing of offers, and leased devices, count as before', () => {
  expect(scored(evidence([undefined, undefined])).reason).toBe('OK')
  expect(scored(evidence([null], 'leased')).reason).not.toBe('NO_OFFER')
})
