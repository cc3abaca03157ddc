import { expect, test } from 'vitest'
import { sha256 } from '../../src/bytes.ts'
import { drawVerifiers } from '../../src/gpu/draw-verifiers.ts'
import { configWith } from '../../src/node/config.ts'
import { drawnChecks } from '../../src/node/drawn-checks.ts'
import { PUBLIC_CONSTANTS } from '../../src/node/scoring/constants.ts'
import { score } from '../../src/node/scoring/score.ts'
import { type PermittedValidator, voiceOf } from '../../src/node/validator-view.ts'
import { createNetwork, KNOWN_GENESIS } from '../../src/protocols/network.ts'

const finney = createNetwork('finney', 1, Buffer.from(KNOWN_GENESIS.finney!, 'hex'))
const hotkey = (i: number): Uint8Array => new Uint8Array(32).fill(i)
const validators: PermittedValidator[] = Array.from({ length: 30 }, (_, i) => ({
  peerId: `peer${i}`,
  hotkey: hotkey(i),
  stake: 100n,
}))
const gpu = {
  genesis: finney.genesis,
  netuid: 1,
  hotkey: hotkey(99),
  peerId: 'miner',
  gpuId: 'pci-0',
  n: 2048,
  bytes: 2 ** 30,
}
const pulse = (round: number) => ({
  round,
  signature: new Uint8Array(48),
  randomness: sha256(Buffer.from(`pulse ${round}`)),
})
const checksOf = (peerId: string, options: object, all = validators) =>
  drawnChecks({ config: configWith(options), peerId }, { validators: () => all })
const rounds = Array.from({ length: 200 }, (_, i) => i)

test('every validator knows the same five, by their hotkeys', () => {
  const voters = validators.map((one) => ({ id: voiceOf(one), stake: one.stake }))
  const checks = validators.map(({ peerId }) => checksOf(peerId, { sampling: 0 }))
  for (const round of rounds.slice(0, 20)) {
    const drawn = drawVerifiers(pulse(round), gpu, voters)
    const mine = validators.filter((_, i) => checks[i]!(gpu, pulse(round)))
    expect(new Set(mine.map(voiceOf))).toEqual(drawn)
    expect(mine).toHaveLength(5)
  }
})

test('a hotkey with many nodes has one seat at most, and all its nodes look', () => {
  const many = [...validators, { ...validators[0]!, peerId: 'second' }]
  const [first, second] = ['peer0', 'second'].map((id) => checksOf(id, { sampling: 0 }, many))
  const seen = rounds.filter((round) => first!(gpu, pulse(round)))
  expect(rounds.filter((round) => second!(gpu, pulse(round)))).toEqual(seen)
  expect(seen.length).toBeGreaterThan(10)
})

test('others look as often as they are configured to, and at everything by default', () => {
  const times = (options: object): number => {
    const checks = checksOf('stranger', options) // has no seat
    return rounds.filter((round) => checks(gpu, pulse(round))).length
  }
  expect(times({ sampling: 0 })).toBe(0)
  expect(times({ sampling: 0.25 })).toBeGreaterThan(25)
  expect(times({ sampling: 0.25 })).toBeLessThan(80)
  expect(times({})).toBe(200)
})

test.each([
  // What sampling costs: nobody is sure enough to say that the accomplice lies, and the slot pays nothing.
  [{ sampling: 0.25 }, { ok: 0, failed: 0 }],
  [{}, { ok: 0, failed: 1 }],
])('validators of %o and a miner that opens for one accomplice alone: %o', (options, expected) => {
  const ref = { hotkey: '99', miner: gpu.peerId, gpu: gpu.gpuId }
  const open = pulse(5)
  const accomplice = { peerId: 'accomplice', hotkey: hotkey(98), stake: 1n }
  const all = [...validators, accomplice]
  const row = { ...ref, mode: 'idle', n: 512, bytes: 2 ** 23, passes: 30, steps: 10 }
  const testimony = all.map((one) => {
    const looks = one === accomplice || checksOf(one.peerId, options, all)(gpu, open)
    const verdict = one === accomplice ? 'VALID' : 'UNAVAILABLE'
    return { validator: voiceOf(one), rows: [row], verdicts: looks ? [{ ...ref, verdict }] : [] }
  })
  const evidence = {
    slots: [{ slot: 24, openPulse: open, testimony }],
    validators: all.map((one) => ({ validator: voiceOf(one), stake: one.stake })),
    measured: ['passes', 'steps'],
    windowMs: { residency: 1000, gemm: 1000 },
  } as const
  expect(score(evidence, PUBLIC_CONSTANTS).miners.get('99')!.gpus[0]).toMatchObject(expected)
})
