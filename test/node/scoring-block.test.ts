import { expect, test } from 'vitest'
import type { Neuron } from '../../src/chain/chain.ts'
import { scoringBlock } from '../../src/node/scoring-block.ts'

const publicKey = new Uint8Array(32).fill(7)
const neurons = [{ hotkeyPublicKey: publicKey, registeredAt: 400 } as unknown as Neuron]
const block = { number: 1000, hash: '0x00' }

test('a registration is dated by the blocks since, 12 s each on public networks', () => {
  const registered = [{ publicKey, sinceMs: 10_000_000 - 600 * 12_000 }]
  for (const network of ['test', 'finney'] as const) {
    expect(scoringBlock({ block, timeMs: 10_000_000, neurons }, network)).toEqual({
      atMs: 10_000_000,
      registered,
    })
  }
})

test('nothing is dated where blocks tell no time', () => {
  const undated = [{ publicKey, sinceMs: undefined }]
  expect(scoringBlock({ block, timeMs: 5, neurons }, 'local').registered).toEqual(undated)
  expect(scoringBlock({ block, neurons }, 'finney')).toEqual({
    atMs: undefined,
    registered: undated,
  })
})
