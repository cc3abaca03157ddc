import { expect, onTestFinished, test } from 'vitest'
import type { CheckJob } from '../../src/gpu/check-transcript.ts'
import type { ShownJob } from '../../src/gpu/judge-shown.ts'
import { createVerifier } from '../../src/gpu/verifier.ts'
import { silent } from '../../src/log.ts'
import { SLOW_CHECK_MS } from '../support/slow-verify-worker.ts'

test('a full slot of checks outlasts the deadline of one: each runs from its own turn, in order', {
  timeout: 60_000,
}, async () => {
  const timeoutMs = 20 * SLOW_CHECK_MS
  const module = new URL('../support/slow-verify-worker.ts', import.meta.url)
  const verifier = createVerifier(silent, { module, timeoutMs })
  onTestFinished(() => verifier[Symbol.asyncDispose]())
  const jobs = Array.from({ length: 24 }, (_, i) =>
    i % 2 === 0 ? verifier.check({} as CheckJob) : verifier.judge({} as ShownJob),
  )
  expect(await Promise.all(jobs)).toEqual(jobs.map((_, i) => i + 1))
})
