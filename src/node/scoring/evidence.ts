import type { PerWork } from '../../gpu/slot-network.ts'
import type { IdleSlot } from './leased.ts'
import type { LeaseHours } from './miner-weights.ts'
import type { Counts, Measured } from './slot-outcome.ts'
import type { Proofs } from './suspension.ts'
import type { IgnoredWord } from './weigh-valid.ts'

/** A GPU as testimony names it; the hotkey in hex. */
export interface GpuRef {
  readonly hotkey: string
  /** PeerId of its node. */
  readonly miner: string
  readonly gpu: string
}

/** What one validator testified in one slot. */
export interface Testimony {
  readonly validator: string
  readonly rows: readonly (GpuRef &
    Counts & {
      /** Heads of the Finals it heard, as one text; absent where it did not hear both. */
      readonly heads?: string | undefined
    })[]
  readonly verdicts: readonly (GpuRef & {
    readonly verdict: string
    /** Heads of the Finals under which it was found. */
    readonly heads?: string | undefined
    /** Whether its witness was held against the transcript, and is not of it. */
    readonly falseWitness?: boolean | undefined
    /** What was found of the locality chain. */
    readonly locality?: string | undefined
  })[]
}

export interface SlotEvidence {
  readonly slot: number
  /** What drew those that had to check (gpu-protocol §7); undefined where nobody told it. */
  readonly openPulse?: { readonly round: number; readonly randomness: Uint8Array } | undefined
  readonly testimony: readonly Testimony[]
  /** Whose testimony is left out of `testimony`, or of whom the report is, and why. */
  readonly ignored?: readonly IgnoredWord[]
}

/** One evidence set and one metagraph block: all that a score may depend on beside the constants. */
export interface Evidence {
  /** Oldest first. */
  readonly slots: readonly SlotEvidence[]
  /** Active validators: permit, stake and weights within the activity cutoff. */
  readonly validators: readonly { readonly validator: string; readonly stake: bigint }[]
  /** Hotkeys in hex that are registered, and the first slot of each that counts; undefined: not asked, all count. */
  readonly registered?: ReadonlyMap<string, number> | undefined
  /** Proofs against GPUs, as far back as a suspension lasts. */
  readonly proofs?: Proofs | undefined
  readonly leases?: ReadonlyMap<string, LeaseHours>
  /** Alpha burned for leases, by hotkey, and that of all miners, in one unit. */
  readonly burned?: ReadonlyMap<string, number>
  readonly emission?: number
  /** What slots of this network measure, and how long the windows are. */
  readonly measured: Measured
  readonly windowMs: PerWork<number>
  /** The window of the locality chain, and hops to a checkpoint; nothing rests on it. */
  readonly locality?: { readonly windowMs: number; readonly hops: number }
  /** The windows of GPUs that prove beside a tenant; the same where absent. */
  readonly leasedWindowMs?: PerWork<number>
  /** A round of the beacon, ms: slots are named by rounds. Absent: no idle slot ages. */
  readonly roundMs?: number
  /** Idle slots before the oldest of `slots` that are known of leased GPUs, by `gpuKey`. */
  readonly idleBefore?: ReadonlyMap<string, readonly IdleSlot[]>
}

/** Names a GPU among all. */
export const gpuKey = ({ hotkey, miner, gpu }: GpuRef): string => `${hotkey}/${miner}/${gpu}`
