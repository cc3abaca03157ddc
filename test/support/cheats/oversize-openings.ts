import { MiB } from '../../../src/units.ts'
import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const oversizeOpenings: Cheat = {
  name: 'oversize-openings',
  does: 'serves eight megabytes where a proof has some hundred kilobytes',
  verdict: 'UNAVAILABLE',
  bound: 'always: no byte beyond what follows from sizes and counts is taken',
  member: () => ({
    backend: createTamperedBackend(),
    change: (parts) => ({
      ...parts,
      transcripts: {
        ...parts.transcripts,
        put: (content) =>
          parts.transcripts.put(new Uint8Array(Buffer.concat([content, Buffer.alloc(8 * MiB)]))),
      },
    }),
  }),
}
