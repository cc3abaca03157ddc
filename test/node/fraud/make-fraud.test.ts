import { expect, test } from 'vitest'
import { FILL_UNIT_BYTES } from '../../../src/gpu/resident-fill.ts'
import type { Final } from '../../../src/gpu/slot.ts'
import { slotNetworks } from '../../../src/gpu/slot-network.ts'
import { encodeTranscript } from '../../../src/gpu/transcript.ts'
import { showFork, showValue } from '../../../src/node/fraud/make-fraud.ts'
import { verifyTranscript } from '../../../src/node/verify-transcript.ts'
import { sealFinal } from '../../../src/protocols/challenge.ts'
import { sealFraud } from '../../../src/protocols/fraud.ts'
import { TOLD_TICK_BYTES } from '../../../src/told-ticks.ts'
import { testKey, testNet } from '../../support/market.ts'
import { honestProof } from '../../support/proof.ts'

const net = testNet()
const [miner, teller] = [testKey(1), testKey(2)]
const announced = {
  genesis: net.genesis,
  netuid: net.netuid,
  hotkey: miner.publicKey,
  peerId: miner.peerId,
  gpuId: 'cpu-0',
  n: 256,
  bytes: 2 * FILL_UNIT_BYTES,
}

test('a miner that made as many passes as count at all can be convicted: of a false page, and of a fork', async () => {
  const { maxPasses: passes } = slotNetworks.local.residency
  const forked = (final: Final): Uint8Array => {
    const ticks = Uint8Array.from(final.ticks)
    if (final.work === 'residency') ticks[TOLD_TICK_BYTES - 1]! ^= 1
    return sealFinal(net, miner, { ...final, ticks }).bytes
  }
  const counted = { passes, steps: 2, first: 1 }
  const { transcript } = await honestProof(announced, 24, counted, forked, 'residency')
  const { at } = verifyTranscript(encodeTranscript(transcript))
  const value = showValue(transcript, { work: 'residency', at: at as number[] })!
  expect(value.shown).toBe('wrong')
  for (const fraud of [value.fraud, showFork(transcript)!]) {
    const { bytes } = sealFraud(net, teller, fraud)
    expect(bytes.length).toBeLessThanOrEqual(64 * 1024)
    expect(bytes.length).toBeGreaterThan(32 * passes)
  }
})
