import { MiB } from '../../units.ts'

/** A proof as its place in a full book depends on it. */
export interface ShelvedProof {
  readonly accused: string
  readonly slot: number
  readonly bytes: number
  /** Whether a registered hotkey ever bound the accused here. */
  isBound(): boolean
  /** Stake of those that gave a verdict on the device in the slot. */
  stake(): bigint
}

export interface ProofLimits {
  readonly perAccused: number
  readonly bytes: number
}
/**
 * One GPU has at most 32 slots a day, so 256 are a machine's worth; a proof is at most 64 KiB. Whoever may testify can
 * testify about devices that do not exist, and prove their frauds with their keys, as fast as they are judged.
 */
export const PROOF_LIMITS: ProofLimits = { perAccused: 256, bytes: 128 * MiB }

/**
 * Which proofs must go so that the others fit, `all` being in the order of arrival. Of one accused, those about devices
 * that least stake speaks of: a miner with one accomplice cannot push out its strikes by frauds of devices it invents.
 * Of all, those whose accused nobody bound, which no score rests on; among the bound, of whoever has most of them.
 */
export function whichGo<T extends ShelvedProof>(
  all: readonly T[],
  { perAccused, bytes }: ProofLimits,
): T[] {
  const byAccused = Map.groupBy(all, ({ accused }) => accused)
  const gone = [...byAccused.values()].flatMap((own) =>
    leastFirst(own.length > perAccused ? own : []).slice(0, own.length - perAccused),
  )
  const left = new Set(all)
  for (const one of gone) left.delete(one)
  let excess = left.values().reduce((sum, one) => sum + one.bytes, 0) - bytes
  if (excess <= 0) return gone
  const drop = (one: T): void => {
    left.delete(one)
    gone.push(one)
    excess -= one.bytes
  }
  for (const one of leastFirst([...left].filter((proof) => !proof.isBound()))) {
    if (excess <= 0) return gone
    drop(one)
  }
  while (excess > 0) {
    const shares = [...Map.groupBy(left, ({ accused }) => accused).values()]
    drop(leastFirst(shares.reduce((a, b) => (bytesOf(b) > bytesOf(a) ? b : a)))[0]!)
  }
  return gone
}

const bytesOf = (all: readonly ShelvedProof[]): number =>
  all.reduce((sum, one) => sum + one.bytes, 0)

/** Those that least stake speaks of first, and of these the oldest. */
function leastFirst<T extends ShelvedProof>(all: readonly T[]): T[] {
  const ranked = all.map((one) => [one.stake(), one] as const)
  ranked.sort(([x, a], [y, b]) => (x === y ? a.slot - b.slot : x < y ? -1 : 1))
  return ranked.map(([, one]) => one)
}
