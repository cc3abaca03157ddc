import { answerThread } from '../../src/thread-side.ts'

answerThread({
  echo: (value: unknown) => value,
  crash: () => {
    setImmediate(() => process.exit(7))
  },
  fail: () => {
    throw new Error('as asked')
  },
  never: () => new Promise(() => undefined),
  hang: () => {
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
})
