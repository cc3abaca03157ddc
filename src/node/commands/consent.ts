import { createInterface } from 'node:readline/promises'
import { NodeError } from '../../errors.ts'
import type { CommandContext } from './command.ts'

/** What a person is asked before something is spent, or something that is not ours is changed. */
export interface Question {
  /** A whole sentence that says what would happen. */
  readonly what: string
  /** What is said when the answer is no. */
  readonly declined: string
  /** What else a script may do; it may always add --yes. */
  readonly next?: string
}

/**
 * Returns once the person at the terminal has agreed; at once with --yes.
 * @throws BAD_CONFIG_CONSENT where nobody is there to ask, REFUSED_CONSENT when the answer is no
 */
export async function askConsent(
  { config, terminal, signal }: CommandContext,
  { what, declined, next = 'add --yes to agree' }: Question,
): Promise<void> {
  if (config.yes) return
  if (terminal.stdin.isTTY !== true) throw new NodeError('BAD_CONFIG_CONSENT', what, { next })
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr })
  try {
    const answer = await lines.question(`${what} Go on? [y/N] `, { signal })
    if (/^y(es)?$/i.test(answer.trim())) return
  } finally {
    lines.close()
  }
  throw new NodeError('REFUSED_CONSENT', declined)
}
