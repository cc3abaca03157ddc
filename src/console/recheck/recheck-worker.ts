/**
 * The worker of the page that checks a transcript: the very verifier of `compute-node gpu verify`. Nothing else of the console
 * imports what lies outside it (test/architecture.test.ts).
 */
import {
  type TranscriptCheck,
  type TranscriptFinding,
  verifyTranscript,
} from '../../node/verify-transcript.ts'

/** What the worker tells: each check as it is made, then all that was found, or what kept it from checking. */
export type Told =
  | { readonly check: TranscriptCheck }
  | { readonly finding: TranscriptFinding }
  | { readonly failed: string }

const tell = (told: Told): void => globalThis.postMessage(told)

globalThis.onmessage = async ({ data }: MessageEvent<Blob>) => {
  try {
    const content = new Uint8Array(await data.arrayBuffer())
    tell({ finding: verifyTranscript(content, (check) => tell({ check })) })
  } catch (error) {
    tell({ failed: error instanceof Error ? error.message : String(error) })
  }
}
