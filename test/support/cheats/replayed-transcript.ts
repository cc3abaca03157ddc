import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const replayedTranscript: Cheat = {
  name: 'replayed-transcript',
  does: 'opens, in every slot, what it opened in its first',
  verdict: 'BAD_SHAPE',
  bound: 'always, from its second slot on: a transcript names its slot and pulses',
  member() {
    let first: Uint8Array | undefined
    return {
      backend: createTamperedBackend(),
      change: (parts) => ({
        ...parts,
        transcripts: {
          ...parts.transcripts,
          put(content) {
            first ??= content
            return parts.transcripts.put(first)
          },
        },
      }),
    }
  },
}
