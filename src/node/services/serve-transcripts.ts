import { every } from '../../clock.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import { transcript } from '../../protocols/transcript.ts'
import { minutesMs } from '../../units.ts'
import type { Core } from '../core.ts'
import type { Service } from '../service.ts'
import type { TranscriptStore } from '../transcript-store.ts'

interface Parts {
  readonly core: Core
  readonly rpc: Rpc
  readonly transcripts: TranscriptStore
}

/** Gives the proofs that this node made or checked to anyone who asks, and forgets old ones. */
export const serveTranscripts = ({ core, rpc, transcripts }: Parts): Service => ({
  name: 'serve-transcripts',
  async start(signal) {
    await rpc.serve(transcript, ({ id, offset }) => transcripts.chunk(id, offset), signal)
    const loop = { signal, log: core.log, name: 'sweep-transcripts' }
    void every(minutesMs(10), loop, () => transcripts.sweep())
  },
})
