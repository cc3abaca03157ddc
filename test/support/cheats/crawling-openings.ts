import { sleep } from '../../../src/clock.ts'
import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const crawlingOpenings: Cheat = {
  name: 'crawling-openings',
  does: 'serves its proof at 640 bytes a second',
  verdict: 'UNAVAILABLE',
  bound: 'always: openings count until the end of the slot',
  member: () => ({
    backend: createTamperedBackend(),
    change: (parts) => ({
      ...parts,
      transcripts: {
        ...parts.transcripts,
        async chunk(id, offset) {
          await sleep(500)
          const { total, chunk } = await parts.transcripts.chunk(id, offset)
          return { total, chunk: chunk.subarray(0, 320) }
        },
      },
    }),
  }),
}
