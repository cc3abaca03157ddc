import { expect, test } from 'vitest'
import type { Neuron } from '../../src/chain/metagraph.ts'
import { scoringBlock } from '../../src/node/scoring-block.ts'

const publicKey = new Uint8Array(32).fill(7)
const address = '5Dhotkey'
const neurons = [
  {
    ...{ hotkey: address, hotkeyPublicKey: publicKey, registeredAt: 400 },
    emission: 720_000n,
  } as unknown as Neuron,
]
const TEMPO = 360
const block = { number: 1000, hash: '0x00' }

test('a registration is dated by the blocks since, 12 s each on public networks', () => {
  const registered = [{ publicKey, address, sinceMs: 10_000_000 - 600 * 12_000 }]
  for (const network of ['test', 'finney'] as const) {
    expect(scoringBlock({ block, timeMs: 10_000_000, neurons }, network, TEMPO)).toEqual({
      atMs: 10_000_000,
      registered,
      burning: { block: 1000, blockMs: 12_000, minersPerBlock: 1000 },
    })
  }
})

test('nothing is dated where blocks tell no time', () => {
  const undated = [{ publicKey, address, sinceMs: undefined }]
  expect(scoringBlock({ block, timeMs: 5, neurons }, 'local', TEMPO).registered).toEqual(undated)
  expect(scoringBlock({ block, neurons }, 'finney', TEMPO)).toEqual({
    atMs: undefined,
    registered: undated,
  })
})
