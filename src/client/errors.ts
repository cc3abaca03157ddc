import { type ErrorCode, NodeError } from '../errors.ts'

/**
 * An expected failure: `code` is for programs and its prefix says whose fault it was, `message` is for people, `next`
 * says what to do. What a node throws arrives as the same error here.
 */
export { NodeError as ComputeNodeError } from '../errors.ts'

/** Who was asked answered no: not allowed, not paid, too little money, no capacity, over a limit. */
export const isRefused = (error: unknown): error is NodeError => hasPrefix(error, 'REFUSED')

/** Nothing is there that was asked for: no offer that matches, no such lease, no such file. */
export const isNotFound = (error: unknown): error is NodeError =>
  hasPrefix(error, 'NOTHING_MATCHED')

/** What was asked for cannot be read or makes no sense; asking again the same way will not help. */
export const isBadRequest = (error: unknown): error is NodeError =>
  hasPrefix(error, 'BAD_CONFIG') || hasPrefix(error, 'BAD_MESSAGE')

const nodeGone = ['FAILED_NODE_STOPPED', 'FAILED_NOT_RUNNING', 'FAILED_CONNECTION']

const unreachable: ReadonlySet<string> = new Set([
  'PEER_LOST',
  'PEER_OUTCOME_UNKNOWN',
  'PEER_STARTING',
  'PEER_TIMEOUT',
  'PEER_UNREACHABLE',
  ...nodeGone,
])

/** The miner, or the node that was asked, could not be reached or was lost; another try, or another miner, may do. */
export const isUnreachable = (error: unknown): error is NodeError =>
  error instanceof NodeError && unreachable.has(error.code)

/** The node that was asked does not run, or stopped meanwhile; of the miner nothing is said. */
export const isNodeGone = (error: unknown): error is NodeError =>
  error instanceof NodeError && (nodeGone.includes(error.code) || isNodeGone(error.cause))

/** It may have happened or not: whoever was asked was lost before it answered. Look before asking again. */
export const isOutcomeUnknown = (error: unknown): error is NodeError =>
  error instanceof NodeError && error.code === 'PEER_OUTCOME_UNKNOWN'

/** The lease was over, or ended meanwhile. */
export const isLeaseEnded = (error: unknown): error is NodeError =>
  error instanceof NodeError && error.code === ('FAILED_LEASE_ENDED' satisfies ErrorCode)

/** A command ended with another exit code than 0, which is in `details.exitCode`. */
export const isExit = (
  error: unknown,
): error is NodeError & { readonly details: { readonly exitCode: number } } =>
  error instanceof NodeError && error.code === ('FAILED_EXIT' satisfies ErrorCode)

const hasPrefix = (error: unknown, prefix: string): boolean =>
  error instanceof NodeError && (error.code === prefix || error.code.startsWith(`${prefix}_`))
