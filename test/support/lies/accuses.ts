import { loadKernels, PAGE_BYTES } from '../../../src/gpu/kernels.ts'
import { openedPages } from '../../../src/gpu/residency-proof.ts'
import { slotStatements } from '../../../src/gpu/slot.ts'
import { slotNetworks } from '../../../src/gpu/slot-network.ts'
import { announcementOf, decodeTranscript } from '../../../src/gpu/transcript.ts'
import { createTestifier } from '../../../src/node/testifier.ts'
import { signedFinals, signedPulses } from '../../../src/node/transcript-signatures.ts'
import { type Lie, namesOf, sayingRows } from './lie.ts'

const { residency: limits } = slotNetworks.local

/** A page that whoever checks this transcript must look at. */
function firstOpened(content: Uint8Array): number[] {
  const transcript = decodeTranscript(content)
  const { openSeed, bytes, passes } = slotStatements(
    announcementOf(transcript),
    signedPulses(transcript, slotNetworks.local),
    signedFinals(transcript),
  ).residency
  const pages = bytes / PAGE_BYTES
  const [{ pass, page } = { pass: 0, page: 0 }] = openedPages(
    loadKernels(),
    openSeed,
    passes,
    pages,
    limits,
  )
  return [pass, page]
}

export const callsTrueValueFalse: Lie = {
  name: 'calls-a-true-value-false',
  does: 'says BAD_VALUE of an honest miner, at a page that it opened',
  reason: 'CONVICTED',
  of: 'slot',
  tells: { about: 'rival', verdict: 'BAD_VALUE' },
  testifier: (parts, { rival }) =>
    sayingRows(parts, async (row) => {
      const { openings, heads } = row
      if (row.miner !== rival || openings === undefined || heads === undefined) return row
      const content = await parts.transcripts.get(openings)
      if (content === undefined) return row
      const at = firstOpened(content)
      return { ...namesOf(row), verdict: 'BAD_VALUE', openings, heads, work: 'residency', at }
    }),
}

export const callsSilent: Lie = {
  name: 'calls-silent',
  does: 'says that it heard nothing of an honest miner',
  reason: undefined,
  of: 'device',
  tells: { about: 'rival', verdict: 'SILENT' },
  testifier(parts, { rival }) {
    const honest = createTestifier(parts)
    return {
      ...honest,
      commit: (slot, lines) =>
        honest.commit(
          slot,
          lines.map((line) => {
            const { heads: _, ...rest } = line
            return line.miner === rival ? { ...rest, passes: 0, steps: 0, checkpoints: 0 } : line
          }),
        ),
      verdicts: (slot, rows, word) =>
        honest.verdicts(
          slot,
          rows.map((row) => (row.miner === rival ? { ...namesOf(row), verdict: 'SILENT' } : row)),
          word,
        ),
    }
  },
}
