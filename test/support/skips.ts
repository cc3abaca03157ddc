/**
 * Whether a test's needs are met. Where they are not, says plainly what is missing; with CN_FORBID_SKIPS=1 that is a
 * failure, so that nothing is skipped unseen where everything must run.
 *
 *   describe.skipIf(!requireOrSkip(existsSync(file), 'the real metadata'))('…', () => …)
 */
export function requireOrSkip(available: boolean, what: string): boolean {
  if (available) return true
  if (process.env['CN_FORBID_SKIPS'] === '1') {
    throw new Error(`${what} is missing, and CN_FORBID_SKIPS=1 forbids to skip what needs it`)
  }
  console.warn(`skipped: ${what} is missing`)
  return false
}

/**
 * Whether something is there that no continuous integration has: a device, a kernel's ability, a large image. Where it
 * is not, says so plainly, and that is never a failure: these tests report themselves skipped.
 */
export function deviceOrSkip(available: boolean, what: string): boolean {
  if (!available) console.warn(`skipped: ${what} is missing`)
  return available
}

/** Whether an endpoint of somebody else's is given. Where it is not, says so plainly, and that is never a failure. */
export function endpointOrSkip(available: boolean, what: string): boolean {
  if (!available) console.warn(`skipped: ${what} is not given`)
  return available
}
