/** The thread behind signature-checks.ts. */
import { answerThread } from '../thread-side.ts'
import { verifyPacked } from './packed-signature.ts'

answerThread({
  verify: (packed: readonly Uint8Array[]): boolean[] => packed.map(verifyPacked),
})
