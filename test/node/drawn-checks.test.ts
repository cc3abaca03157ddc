import { expect, test } from 'vitest'
import { drawVerifiers } from '../../src/gpu/draw-verifiers.ts'
import { sha256 } from '../../src/gpu/hash.ts'
import { configWith } from '../../src/node/config.ts'
import { drawnChecks } from '../../src/node/drawn-checks.ts'
import { type PermittedValidator, voiceOf } from '../../src/node/validator-view.ts'
import { createNetwork, KNOWN_GENESIS } from '../../src/protocols/network.ts'
import { testNet } from '../support/market.ts'

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
const checksOf = (peerId: string, options: object, net = finney, all = validators) =>
  drawnChecks({ net, config: configWith(options), peerId }, { validators: () => all })
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
  const [first, second] = ['peer0', 'second'].map((id) =>
    checksOf(id, { sampling: 0 }, finney, many),
  )
  const seen = rounds.filter((round) => first!(gpu, pulse(round)))
  expect(rounds.filter((round) => second!(gpu, pulse(round)))).toEqual(seen)
  expect(seen.length).toBeGreaterThan(10)
})

test('others look as often as they are configured to: a quarter by default, at everything on a local network', () => {
  const times = (options: object, net = finney): number => {
    const checks = checksOf('stranger', options, net) // has no seat
    return rounds.filter((round) => checks(gpu, pulse(round))).length
  }
  expect(times({ sampling: 0 })).toBe(0)
  expect(times({ sampling: 1 })).toBe(200)
  expect(times({})).toBeGreaterThan(25)
  expect(times({})).toBeLessThan(80)
  expect(times({}, testNet())).toBe(200)
})
