import { MAX_REASON } from './fields.ts'
import type { Ending } from './receipts.ts'

/** Whose doing an end was; `nobody`: it was agreed, or nobody can tell. */
export const endingOwners = ['renter', 'miner', 'nobody'] as const
export type EndingOwner = (typeof endingOwners)[number]

export interface EndingRow {
  readonly outcome: Ending['outcome']
  readonly fault: EndingOwner
  /** For people; a detail may follow it. */
  readonly text: string
}

const row = (outcome: Ending['outcome'], fault: EndingOwner, text: string): EndingRow => ({
  outcome,
  fault,
  text,
})

/**
 * Every way a lease ends, whose doing it is, and what both sides are told; the code stands in the final receipt. What
 * only one side can know carries that side's word alone: a miner that writes a wrong code signs a lie.
 */
export const leaseEndings = {
  // As agreed
  expired: row('ended', 'nobody', 'the agreed time is over'),
  'command-ended': row('ended', 'nobody', 'its main process ended'),
  'renter-stopped': row('ended', 'renter', 'stopped by the renter'),

  // The renter's
  'command-failed': row('ended', 'renter', 'its main process ended'),
  'out-of-memory': row('failed', 'renter', 'it needed more memory than was agreed'),
  'disk-share': row('failed', 'renter', 'it wrote more than its share of the disk'),
  'volume-full': row('failed', 'renter', 'it wrote more into a volume than was agreed'),
  credit: row('failed', 'renter', 'what was used was not countersigned in time'),
  'not-paid': row('failed', 'renter', 'the money was not locked as agreed'),

  // The miner's
  'start-failed': row('failed', 'miner', 'could not start'),
  'host-killed': row('failed', 'miner', 'it was killed from outside, on its host'),
  'host-paused': row('failed', 'miner', 'it stood still for too long, paused on its host'),
  'container-gone': row('failed', 'miner', 'its container was removed'),
  'engine-fault': row('failed', 'miner', 'its container engine lost it'),
  'miner-stopped': row('failed', 'miner', 'the miner was stopped'),
  'miner-restarted': row('failed', 'miner', 'the miner restarted before the container ran'),
  'miner-forgot': row('failed', 'miner', 'the miner no longer knows this lease'),
  'miner-left': row('failed', 'miner', 'the miner settled it and left'),
  'receipts-refused': row('failed', 'miner', 'its receipts do not add up'),

  // Nobody's, or nobody can tell whose
  image: row('failed', 'nobody', 'could not start: its image could not be had'),
  disputed: row('failed', 'nobody', 'the renter disputes what was metered'),
  'not-begun': row('failed', 'nobody', 'it was refused before it began'),
  'miner-silent': row('failed', 'nobody', 'outcome unknown: the miner did not come back'),
  unknown: row('failed', 'nobody', 'it ended, and nobody can tell why'),
} as const satisfies Readonly<Record<string, EndingRow>>

export type EndingCode = keyof typeof leaseEndings

/** The ending of a code as a receipt states it; the detail follows the table's text. */
export function endingOf(code: EndingCode, detail?: string): Ending {
  const { outcome, text } = leaseEndings[code]
  const reason = detail === undefined ? text : `${text}: ${detail}`
  return { outcome, code, reason: printable(reason).slice(0, MAX_REASON) }
}

/** Details may be of the engine's or the renter's making: no control character reaches a terminal or the wire. */
const printable = (text: string): string => text.replace(/\p{Cc}+/gu, ' ')

/** Whose doing an ending is; one without a code (of an earlier version) or with one unknown here is nobody's. */
export const faultOf = (ending: Pick<Ending, 'code'> | undefined): EndingOwner =>
  isKnown(ending?.code) ? leaseEndings[ending.code].fault : 'nobody'

const isKnown = (code: string | undefined): code is EndingCode =>
  code !== undefined && Object.hasOwn(leaseEndings, code)

/** What an event says of an ending. */
export const endedFields = (id: string, ending: Ending) => ({
  id,
  reason: ending.reason,
  ...(ending.code === undefined ? {} : { code: ending.code }),
  fault: faultOf(ending),
})
