import { decodeTranscript, encodeTranscript } from '../../../src/gpu/transcript.ts'
import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const foreignTranscript: Cheat = {
  name: 'foreign-transcript',
  does: 'opens a proof that names the hotkey of another',
  verdict: 'BAD_SHAPE',
  bound: 'always: whose it must be is known before it is read',
  member: () => ({
    backend: createTamperedBackend(),
    change: (parts) => ({
      ...parts,
      transcripts: {
        ...parts.transcripts,
        put(content) {
          const hotkey = new Uint8Array(32).fill(9)
          const foreign = { ...decodeTranscript(content), hotkey }
          return parts.transcripts.put(encodeTranscript(foreign))
        },
      },
    }),
  }),
}
