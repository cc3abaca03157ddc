import type { Lease } from '../../api/leases.ts'
import type { Tone } from '../ui/tone.ts'

/** How a lease stands, for a person. */
export interface LeaseSign {
  readonly tone: Tone
  readonly word: string
  /** What that means for its renter, where the word does not say it all. */
  readonly meaning?: string
}

type Standing = Pick<Lease, 'state' | 'health' | 'outcome' | 'over'>

/** The word, its tone and its meaning for where a lease stands. */
export function signOf({ state, health, outcome, over }: Standing): LeaseSign {
  if (over) return outcome === 'failed' ? { tone: 'bad', word: 'Failed' } : endedSign(state)
  if (health === 'unknown' && hasStarted(state)) {
    return {
      tone: 'warn',
      word: 'Silent',
      meaning:
        'Its miner, or the engine there, does not answer. What runs there may go on; nothing is known of it until it answers again, and only what it has receipts for can cost you.',
    }
  }
  return signs[state] ?? { tone: 'neutral', word: state }
}

const endedSign = (state: string): LeaseSign => ({
  tone: 'neutral',
  word: state === 'EXPIRED' ? 'Expired' : 'Ended',
})

const agreeing: LeaseSign = { tone: 'info', word: 'Agreeing' }

const signs: Readonly<Record<string, LeaseSign>> = {
  RESERVED: agreeing,
  QUOTED: agreeing,
  AGREED: agreeing,
  STARTING: { tone: 'info', word: 'Starting' },
  ACTIVE: { tone: 'good', word: 'Running' },
  GRACE: {
    tone: 'warn',
    word: 'Running',
    meaning: 'Its newest use is not countersigned yet; this node does that as soon as it can.',
  },
  SUSPENDED: {
    tone: 'warn',
    word: 'Suspended',
    meaning:
      'Its miner paused it until its use is countersigned, which this node does by itself. It is not billed meanwhile.',
  },
  PAUSED: {
    tone: 'info',
    word: 'Paused',
    meaning:
      'Every process stands where it was. The devices stay yours, so its time and its price go on; resume it to use it.',
  },
  CLOSING: { tone: 'neutral', word: 'Ending' },
}

const started: ReadonlySet<string> = new Set(['ACTIVE', 'GRACE', 'SUSPENDED', 'PAUSED'])

/** Whether its container runs, or is paused. */
export const hasStarted = (state: string): boolean => started.has(state)

/** Whether sessions can be opened in it now. */
export const isUsable = ({ state, over }: Pick<Lease, 'state' | 'over'>): boolean =>
  !over && (state === 'ACTIVE' || state === 'GRACE')

/** What a person calls it: its label `name`, else the beginning of its id. */
export const nameOf = ({ id, labels }: Pick<Lease, 'id' | 'labels'>): string =>
  labels['name'] ?? id.slice(0, 12)

/** Whose doing its end is, as a sentence; undefined where nobody knows or it was agreed. */
export function faultSentence({ fault }: Pick<Lease, 'fault'>): string | undefined {
  if (fault === 'miner') return 'That is its miner’s doing, not yours.'
  if (fault === 'renter') return 'That is this side’s doing.'
  return undefined
}

/** The steps of a start in their order, each `done`, `now` or `next`. */
export function startSteps({ state, progress }: Pick<Lease, 'state' | 'progress'>): readonly {
  readonly title: string
  readonly is: 'done' | 'now' | 'next'
}[] {
  const at = stepAt(state, progress)
  return steps.map(({ doing, done }, i) =>
    i === at ? { title: doing, is: 'now' } : { title: done, is: i < at ? 'done' : 'next' },
  )
}

const steps = [
  { doing: 'Agreeing with the miner', done: 'Agreed with the miner' },
  { doing: 'Locking the deposit', done: 'Deposit locked' },
  { doing: 'Bringing the image', done: 'Image there' },
  { doing: 'Starting the container', done: 'Container runs' },
] as const

function stepAt(state: string, progress: string | null): number {
  if (hasStarted(state)) return 4
  if (state !== 'STARTING') return 0
  if (progress?.startsWith('waiting for the money')) return 1
  return progress?.startsWith('pulling') ? 2 : progress === null ? 3 : 2
}

/** How far a pull is, 0 to 1, of a sentence such as `pulling IMAGE: 2 of 5 layers, 37 %, 12.3 MB/s`. */
export function pullShare(progress: string | null): number | undefined {
  const percent = /(\d+) %/.exec(progress ?? '')?.[1]
  return percent === undefined ? undefined : Math.min(1, Number(percent) / 100)
}
