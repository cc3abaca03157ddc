import type { Tone } from '../ui/tone.ts'
import type { Cause, ScoredGpu, ScoredSlot, Term } from './answers.ts'

/** What a term of the score is about, as a person would ask for it. */
export const termWords: Readonly<Record<string, string>> = {
  units: 'How much it computes',
  reliability: 'How often it is there',
  ramp: 'How long it is known',
  rate: 'How it is paid',
  leases: 'Whether its leases held',
}

/** How a slot of a device is shown. */
export const slotTones: Readonly<Record<ScoredSlot['outcome'], readonly [Tone, string]>> = {
  ok: ['good', 'ok'],
  failed: ['bad', 'failed'],
  unknown: ['warn', 'unknown'],
  networkUnknown: ['neutral', 'left out for all'],
}

/** A slot as a sentence. */
export const slotText = ({ slot, outcome, reason, mode, units }: ScoredSlot): string =>
  `slot ${slot}: ${slotTones[outcome][1]}${reason === 'OK' ? '' : `, ${reason}`}, ${mode}, ${units.toFixed(3)} units`

export interface Raise extends Cause {
  readonly term: string
}

/** What would raise a device's score, what costs most first. */
export const raisesOf = ({ terms }: ScoredGpu): readonly Raise[] =>
  terms
    .flatMap(({ name, causes }) => causes.map((cause) => ({ ...cause, term: name })))
    .toSorted((a, b) => b.lost - a.lost)

/** How much of the bar of a term is full: factors are shares, units count against one H100. */
export const shareOf = ({ value }: Term): number => Math.max(0, Math.min(1, value))
