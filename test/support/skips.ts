/**
 * True when the tests that need `what` must be skipped because it is not there; says so plainly. Where skips are
 * forbidden (CN_FORBID_SKIPS=1, as in the project's own checks) a missing thing is an error instead.
 */
export function requireOrSkip(present: boolean, what: string, next: string): boolean {
  if (present) return false
  const message = `${what} is missing: ${next}`
  if (process.env['CN_FORBID_SKIPS'] === '1') throw new Error(`skips are forbidden, and ${message}`)
  process.stderr.write(`SKIPPED: ${message}\n`)
  return true
}
