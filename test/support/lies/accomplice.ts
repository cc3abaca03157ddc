import { decodeTranscript } from '../../../src/gpu/transcript.ts'
import { signPulse, witnessOf } from '../../../src/protocols/attestations.ts'
import { type About, type Lie, madeUp, namesOf, sayingRows } from './lie.ts'

/** Vouches for a miner that does not work, with a true witness; `heads` may be invented. */
const vouching =
  (whose: keyof About | 'everyone', heads?: () => Uint8Array): Lie['testifier'] =>
  (parts, about) =>
    sayingRows(parts, async (row, line) => {
      const { openings } = row
      const isFor = whose === 'everyone' || row.miner === about[whose]
      if (!isFor || openings === undefined) return row
      const content = await parts.transcripts.get(openings)
      if (content === undefined || line?.heads === undefined) return row
      const pulse = decodeTranscript(content).pulses.open.signature
      const witness = witnessOf(signed(parts, pulse), content)
      const named = heads === undefined ? line.heads : { residency: heads(), gemm: heads() }
      return { ...namesOf(row), verdict: 'VALID', openings, heads: { ...named }, witness }
    })

const signed = (parts: Parameters<Lie['testifier']>[0], pulse: Uint8Array): Uint8Array =>
  signPulse(parts.core.net, parts.core.key, pulse)

export const vouchesForFalseValue: Lie = {
  name: 'vouches-for-a-false-value',
  does: 'calls a chain VALID in which it had to see a false value',
  reason: 'CONVICTED',
  of: 'slot',
  tells: { about: 'falseValue', verdict: 'VALID' },
  testifier: vouching('falseValue'),
}

export const vouchesForAll: Lie = {
  name: 'vouches-for-all',
  does: 'calls whatever is opened VALID',
  reason: 'CONVICTED',
  of: 'slot',
  testifier: vouching('everyone'),
}

export const vouchesForBadPath: Lie = {
  name: 'vouches-for-a-bad-path',
  does: 'calls openings VALID that lead to no committed value, under the true heads: nothing proves that it lies',
  reason: undefined,
  of: 'device',
  tells: { about: 'badPath', verdict: 'VALID' },
  testifier: vouching('badPath'),
}

export const inventsHeads: Lie = {
  name: 'invents-heads',
  does: 'calls openings VALID under heads that nobody saw',
  reason: 'OTHER_HEADS',
  of: 'device',
  tells: { about: 'badPath', verdict: 'VALID' },
  testifier: vouching('badPath', madeUp),
}
