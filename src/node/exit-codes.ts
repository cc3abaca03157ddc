import { codeOf } from '../errors.ts'

/** 128 + SIGINT, as shells have it. */
export const INTERRUPTED = 130

/** What the program's exit codes mean (DESIGN.md, "Command line"); docs/cli.md prints this table. */
export const exitCodes = [
  [0, 'ok'],
  [1, 'failed'],
  [2, 'usage or bad configuration'],
  [3, 'nothing matched'],
  [4, 'peer unreachable, timed out, or outcome unknown'],
  [5, 'refused: not allowed, not paid, too little money, no capacity'],
  [6, 'engine or GPU fault on this machine'],
  [7, 'chain fault'],
  [INTERRUPTED, 'interrupted (Ctrl-C)'],
] as const

const byFault: readonly (readonly [prefix: string, exitCode: number])[] = [
  ['BAD_CONFIG', 2],
  ['NOTHING_MATCHED', 3],
  ['PEER', 4],
  ['REFUSED', 5],
  ['ENGINE', 6],
  ['GPU', 6],
  // Too little money is no fault of the chain's.
  ['CHAIN_NO_FUNDS', 5],
  ['CHAIN', 7],
  ['FAILED_INTERRUPTED', INTERRUPTED],
]

/** The exit code of anything thrown. */
export function exitCodeOf(error: unknown): number {
  const code = codeOf(error)
  return byFault.find(([prefix]) => code === prefix || code.startsWith(`${prefix}_`))?.[1] ?? 1
}
