import { hash } from 'node:crypto'
import type { Heads } from '../gpu/slot.ts'
import type { Attestations } from './attestations.ts'
import type { Evidence, SlotEvidence } from './scoring/evidence.ts'
import { type PermittedValidator, voiceOf } from './validator-view.ts'

type SlotTestimony = ReturnType<Attestations['slots']>[number]
/** One validator's testimony of a slot. */
export type OneTestimony = SlotTestimony['testimony'][number]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

type Voice = Evidence['validators'][number]

/** By PeerId, the voice it speaks with. */
export function voices(active: readonly PermittedValidator[]): Map<string, Voice> {
  const found = new Map<string, Voice>()
  for (const one of active) {
    found.set(one.peerId, { validator: voiceOf(one), stake: one.stake })
  }
  return found
}

/** What is known of validators beside their own words. */
export interface Findings {
  /** PeerIds of those that a proof convicts of a false verdict in the slot. */
  readonly liars: ReadonlySet<string>
  /** Whether a witness of this peer's in the slot was held against its transcript, and is not of it. */
  readonly isFalseWitness: (peerId: string) => boolean
}
const nothing: Findings = { liars: new Set(), isFalseWitness: () => false }

/**
 * Testimony as scoring reads it; who contradicted itself in a slot, or is convicted of a lie, has said nothing, of many
 * nodes of one hotkey the first is heard.
 */
export const evidenceOf = (
  { slot, testimony }: SlotTestimony,
  voiceOf: ReadonlyMap<string, Voice>,
  openRound: number,
  { liars, isFalseWitness }: Findings = nothing,
): SlotEvidence => {
  const convicted = testimony.filter(({ validator }) => liars.has(validator))
  const others = testimony.filter(({ validator }) => !liars.has(validator))
  const spoken = firstOfEach(others, ({ validator }) => voiceOf.get(validator)?.validator)
  const named = ({ validator }: OneTestimony): string =>
    voiceOf.get(validator)?.validator ?? validator
  const ignored = [
    ...convicted.map((one) => ({ validator: named(one), reason: 'CONVICTED' as const })),
    ...spoken.flatMap((one) => {
      const reason = one.equivocated ? ('EQUIVOCATION' as const) : one.unbound
      return reason === undefined ? [] : [{ validator: named(one), reason }]
    }),
  ]
  return {
    slot,
    openPulse: openPulseOf(others, voiceOf, openRound),
    ...(ignored.length === 0 ? {} : { ignored }),
    testimony: spoken
      .filter(({ equivocated }) => !equivocated)
      .map(({ validator, report, verdicts }) => ({
        validator: voiceOf.get(validator)?.validator ?? validator,
        rows: (report?.rows ?? []).map((row) => ({
          hotkey: hex(row.hotkey),
          miner: row.miner,
          gpu: row.gpu,
          mode: row.mode,
          n: row.n,
          bytes: row.bytes ?? 0,
          passes: row.passes,
          steps: row.steps,
          ...(row.checkpoints === undefined ? {} : { checkpoints: row.checkpoints }),
          ...(row.offer === undefined ? {} : { offer: row.offer }),
          ...headsOf(row),
        })),
        verdicts: (verdicts?.rows ?? []).map((row) => ({
          hotkey: hex(row.hotkey),
          miner: row.miner,
          gpu: row.gpu,
          verdict: row.verdict,
          ...(row.locality === undefined ? {} : { locality: row.locality.verdict }),
          ...headsOf(row),
          ...(row.verdict === 'VALID' && isFalseWitness(validator) ? { falseWitness: true } : {}),
        })),
      })),
  }
}

/** Both heads as one text. */
const headsOf = ({ heads }: { readonly heads?: Heads | undefined }): { heads?: string } =>
  heads === undefined ? {} : { heads: `${hex(heads.residency)}${hex(heads.gemm)}` }

/**
 * The open pulse of a slot as most stake tells it. Nobody has to check its signature: it only says who was drawn, and
 * what they say against a GPU counts for nothing beside one VALID of anybody.
 */
function openPulseOf(
  testimony: readonly OneTestimony[],
  voiceOf: ReadonlyMap<string, Voice>,
  round: number,
): SlotEvidence['openPulse'] {
  const stakes = new Map<string, bigint>()
  const one = ({ validator }: OneTestimony): string | undefined => voiceOf.get(validator)?.validator
  for (const { validator, verdicts } of firstOfEach(testimony, one)) {
    if (verdicts?.openPulse === undefined) continue
    const told = hex(verdicts.openPulse)
    stakes.set(told, (stakes.get(told) ?? 0n) + (voiceOf.get(validator)?.stake ?? 0n))
  }
  const [most] = [...stakes].toSorted(([a, x], [b, y]) =>
    x === y ? (a < b ? -1 : 1) : x > y ? -1 : 1,
  )
  if (most === undefined) return undefined
  return {
    round,
    randomness: new Uint8Array(hash('sha256', Buffer.from(most[0], 'hex'), 'buffer')),
  }
}

/** The testimony of one node per voice, of those that reported the lowest PeerId's; none of those without stake. */
function firstOfEach(
  testimony: readonly OneTestimony[],
  voiceOf: (one: OneTestimony) => string | undefined,
): OneTestimony[] {
  const first = new Map<string, OneTestimony>()
  const rank = ({ report, validator }: OneTestimony) =>
    `${report === undefined ? 1 : 0}${validator}`
  for (const one of testimony.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))) {
    const voice = voiceOf(one)
    if (voice !== undefined && !first.has(voice)) first.set(voice, one)
  }
  return [...first.values()]
}
