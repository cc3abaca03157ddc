import type { ComputeNode } from '../../client/compute-node.ts'
import type { CallOptions } from '../../client/lease.ts'
import type { TranscriptFinding } from '../verify-transcript.ts'
import type { LeaseHere } from './lease-here.ts'
import { verifyTranscript } from './verify.ts'

/** A node that this program is connected to, with what only a program of Node's can do. */
export interface NodeHere extends ComputeNode<LeaseHere> {
  readonly transcripts: ComputeNode['transcripts'] & {
    /**
     * Checks a proof in this process, from its bytes alone; by an id it is fetched first. Resolves with the verdict and
     * every check, whatever they are.
     */
    verify(transcript: string | Uint8Array, options?: CallOptions): Promise<TranscriptFinding>
  }
}

/** @param owned what ends with the connection */
export function nodeHere(node: ComputeNode<LeaseHere>, owned: AsyncDisposable): NodeHere {
  return {
    ...node,
    transcripts: {
      ...node.transcripts,
      async verify(transcript, options) {
        const content =
          typeof transcript === 'string'
            ? await node.transcripts.get(transcript, options)
            : transcript
        return verifyTranscript(content)
      },
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  }
}
