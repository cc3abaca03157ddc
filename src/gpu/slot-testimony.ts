import type { Pulse } from '../beacon.ts'
import type { Element, GemmFault } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import type { HopFault } from './locality-proof.ts'
import type { PageAt, PassFault } from './residency-proof.ts'
import type { Announcement, Final, Line, SlotPulses, SlotStatements, Tick } from './slot.ts'
import type { PerAnyWork, PerWork, Work } from './slot-network.ts'

/** Why a GPU's slot is not VALID; scoring.md §7 names them. */
export type SlotFault =
  | GemmFault
  | PassFault
  | 'SILENT'
  | 'LATE_COMMIT'
  | 'EQUIVOCATION'
  | 'UNAVAILABLE'
export type SlotVerdict = 'VALID' | SlotFault

/** Why a validator says nothing about a slot: its own fault must not be a miner's. */
export type Abstention = 'LAGGED' | 'CLOCK_SKEW' | 'LOW_COVERAGE' | 'MISSED_PULSE'

/** Where a proof breaks: a pass and page of the residency work, a step, row and column of the GEMM work. */
export type BreakAt = PageAt | Element

/** What is wrong with a locality chain alone, and the checkpoint where it breaks. */
export interface BadHops {
  readonly verdict: HopFault | 'UNAVAILABLE' | 'EQUIVOCATION'
  readonly at?: readonly [checkpoint: number]
}
/** What a verifier found of the locality chain; it never changes the verdict on the rest. */
export type CheckedHops =
  | {
      readonly verdict: 'VALID'
      readonly heads: readonly Bytes[]
      readonly counts: readonly number[]
    }
  | BadHops

/** What a verifier found in the openings. */
export type Checked =
  | {
      readonly ok: true
      /** The tick chains that the openings replay: what each tick must have said. */
      readonly heads: PerWork<readonly Bytes[]>
      readonly counts: PerWork<readonly number[]>
      readonly content: Bytes
      /** Absent where this validator heard of no locality chain. */
      readonly locality?: CheckedHops
    }
  | {
      readonly ok: false
      readonly why: SlotFault
      /** Whose proof breaks, where `at` says where. */
      readonly work?: Work
      readonly at?: BreakAt
      readonly content?: Bytes
    }

export type ValidatorEvent =
  | { readonly type: 'pulse'; readonly pulse: Pulse; readonly atMs: number }
  /** A tick or Final with its signature checked; `atMs` is its arrival by the own clock. */
  | {
      readonly type: 'tick'
      readonly miner: string
      readonly tick: Tick
      readonly atMs: number
    }
  | {
      readonly type: 'final'
      readonly miner: string
      readonly tick: Final
      readonly atMs: number
    }
  /** The miner offers openings under a content id. */
  | {
      readonly type: 'openings'
      readonly miner: string
      readonly gpu: string
      readonly content: Bytes
      readonly proveMs: number
    }
  | {
      readonly type: 'checked'
      readonly miner: string
      readonly gpu: string
      readonly result: Checked
    }
  /** This validator could not check, by its own fault: it says nothing about the GPU. */
  | { readonly type: 'unchecked'; readonly miner: string; readonly gpu: string }
  | { readonly type: 'abstain'; readonly why: Abstention }
  | { readonly type: 'time'; readonly nowMs: number }

/** One GPU's verdict, as it goes into the signed batch. */
export interface VerdictRow {
  readonly miner: string
  readonly hotkey: Bytes
  readonly gpu: string
  readonly verdict: SlotVerdict
  /** Content id of the openings it speaks of. */
  readonly openings?: Bytes
  /** Whose proof breaks and where, for what is found in openings. */
  readonly work?: Work
  readonly at?: BreakAt
  /** What was found of the locality chain, beside VALID; nothing rests on it. */
  readonly locality?: { readonly verdict: 'VALID' } | BadHops
}

/** What the openings of one GPU are held against. */
export interface Checkable {
  readonly miner: string
  readonly gpu: string
  readonly statements: SlotStatements
  readonly finals: PerAnyWork<Final>
  readonly pulses: SlotPulses
}

/** Where openings can be fetched, and what making them took. */
export interface Offered {
  readonly content: Bytes
  readonly proveMs: number
}

/** A GPU whose openings a validator was not drawn to look at. */
export interface SparedGpu extends Checkable {
  readonly announced: Announcement
  /** What its miner told of its openings, if it did. */
  readonly offered?: Offered
}

export type ValidatorEffect =
  /** Fetch these openings and check them against the statements. */
  | ({ readonly type: 'pull' } & Offered & Checkable)
  /** Commit to these lines now and keep them for the report. */
  | { readonly type: 'commit'; readonly lines: readonly Line[] }
  | { readonly type: 'report'; readonly lines: readonly Line[] }
  | { readonly type: 'verdicts'; readonly rows: readonly VerdictRow[]; readonly openPulse?: Pulse }
  | { readonly type: 'abstained'; readonly why: Abstention }
  | { readonly type: 'done' }
