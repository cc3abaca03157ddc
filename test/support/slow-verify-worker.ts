import { answerThread } from '../../src/thread-side.ts'

/** How long one check of this verifier takes. */
export const SLOW_CHECK_MS = 100
let done = 0

/** Blocks its thread as arithmetic does, and says the how manieth it was. */
const check = (): number => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLOW_CHECK_MS)
  return ++done
}
answerThread({ check, judge: check })
