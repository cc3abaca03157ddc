import type { Log } from '../../log.ts'

/** How @polkadot packages write: a date, then their name in capitals with a colon. */
const ORIGIN = /^\s*[A-Z][A-Z0-9/-]*:$/

let log: Log | undefined

/**
 * Sends what @polkadot packages print on the console to `to`: they have no other way out, and stdout belongs to the
 * commands. Everything else that is printed stays as it is. The last caller's log is used.
 */
export function quietConsole(to: Log): void {
  const first = log === undefined
  log = to
  if (!first) return
  for (const level of ['log', 'warn', 'error'] as const) {
    const print = console[level].bind(console)
    console[level] = (...args: unknown[]): void => {
      const [, origin, ...rest] = args
      const theirs = typeof origin === 'string' && ORIGIN.test(origin)
      if (!theirs) print(...args)
      else log?.debug('polkadot', { origin: origin.trim(), text: rest.map(String).join(' ') })
    }
  }
}
