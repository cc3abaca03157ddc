/**
 * How near the memory is: one chain of dependent 64-byte reads over the resident fill, where each address follows from
 * what was read before. Two cards that pose as one pay their link at every hop (notes/gpu-protocol.md §12). Every
 * `hops` hops a checkpoint is committed; after the work a public seed picks segments, which the verifier walks again,
 * computing each block. Measured and reported; nothing rests on it yet.
 */

import { concat, equalBytes } from '../bytes.ts'
import { type Bytes, taggedHash } from './hash.ts'
import { type Kernels, PAGE_BYTES } from './kernels.ts'
import { DOMAIN_FILL, FILL_UNIT_BYTES } from './resident-fill.ts'
import { tickChain, validCounts } from './tick-chain.ts'

/** First nonce word of the stream that picks opened segments. */
export const DOMAIN_OPEN_HOPS = 0x48000001
/** State of a chain, bytes. */
export const STATE_BYTES = 16
/** Chains that a verifier walks side by side in one register. */
const SEGMENTS = 4

/** What a network allows a locality proof to be. */
export interface HopLimits {
  readonly maxBytes: number
  /** Checkpoints beyond this are not counted. */
  readonly maxCheckpoints: number
  readonly maxTicks: number
  /** Hops from one checkpoint to the next. */
  readonly hops: number
  /** Permutations per 64 B of the fill. */
  readonly iterations: number
}

/** What a verifier knows before it looks at any opened byte. */
export interface HopStatement {
  readonly fillSeed: Bytes
  /** First state and key of the chain, 16 B each. */
  readonly hopSeed: Bytes
  readonly openSeed: Bytes
  readonly bytes: number
  readonly checkpoints: number
  readonly ticks: number
  /** Head of the tick chain that the close bound. */
  readonly closing: Bytes
}

/** What the prover opens; lengths are the only freedom and are checked first. */
export interface HopOpenings {
  /** Checkpoints claimed at each tick. */
  readonly counts: readonly number[]
  /** 32 B per checkpoint. */
  readonly roots: Bytes
  /** State before and after each opened segment, 32 B each. */
  readonly states: Bytes
}

export type HopFault = 'NO_WORK' | 'BAD_SHAPE' | 'BAD_COMMIT' | 'BAD_PATH' | 'BAD_VALUE'
/** Where the proof breaks: the segment that ends at this checkpoint, from 0. */
export type HopVerdict =
  | { readonly ok: true; readonly heads: readonly Bytes[]; readonly hops: number }
  | { readonly ok: false; readonly why: HopFault; readonly at?: readonly [checkpoint: number] }

/** The state a chain starts from, and the key that enters at every hop. */
export const firstState = (hopSeed: Bytes): Bytes => hopSeed.subarray(0, STATE_BYTES)
export const hopKey = (hopSeed: Bytes): Bytes => hopSeed.subarray(STATE_BYTES)

/** What is committed of the state at a checkpoint. */
export const hashState = (state: Bytes): Bytes => taggedHash('hop', state)

/** How many segments are opened. */
export const openedCount = (checkpoints: number): number => Math.min(SEGMENTS, checkpoints)

/** The exact size of every buffer of the openings, bytes. */
export const hopOpeningsBytes = (checkpoints: number) => ({
  roots: 32 * checkpoints,
  states: 2 * STATE_BYTES * openedCount(checkpoints),
})

/** The opened segments, distinct and ascending, by the checkpoint each ends at. */
export function openedSegments(kernels: Kernels, openSeed: Bytes, checkpoints: number): number[] {
  kernels.setKey(openSeed)
  const chosen = new Set<number>()
  for (let block = 0; chosen.size < openedCount(checkpoints); block += 4) {
    for (const word of kernels.words(DOMAIN_OPEN_HOPS, 0, block)) {
      const segment = Number((BigInt(word) * BigInt(checkpoints)) >> 32n)
      if (chosen.size < openedCount(checkpoints)) chosen.add(segment)
    }
  }
  return [...chosen].sort((a, b) => a - b)
}

const within = (value: number, max: number): boolean =>
  Number.isInteger(value) && value >= 0 && value <= max

/** What is wrong with a statement, or null. */
export function checkHopStatement(s: HopStatement, limits: HopLimits): HopFault | null {
  const sized = Number.isSafeInteger(s.bytes) && s.bytes >= FILL_UNIT_BYTES
  if (!sized || s.bytes > limits.maxBytes || s.bytes % FILL_UNIT_BYTES !== 0) return 'BAD_SHAPE'
  const seeds = [s.fillSeed, s.hopSeed, s.openSeed, s.closing]
  if (seeds.some((b) => b.length !== 32)) return 'BAD_SHAPE'
  if (!within(s.checkpoints, limits.maxCheckpoints) || !within(s.ticks, limits.maxTicks)) {
    return 'BAD_SHAPE'
  }
  return s.checkpoints === 0 || s.ticks === 0 ? 'NO_WORK' : null
}

const isBytes = (value: unknown, length: number): boolean =>
  value instanceof Uint8Array && value.length === length

function wellShaped(s: HopStatement, openings: unknown): boolean {
  if (typeof openings !== 'object' || openings === null) return false
  const { roots, states, counts } = openings as Record<keyof HopOpenings, unknown>
  const want = hopOpeningsBytes(s.checkpoints)
  const sized = isBytes(roots, want.roots) && isBytes(states, want.states)
  return sized && validCounts(counts, s.ticks, s.checkpoints)
}

/** Checks openings against what the verifier derived. Never throws on prover bytes. */
export function verifyHops(
  kernels: Kernels,
  s: HopStatement,
  openings: HopOpenings,
  limits: HopLimits,
): HopVerdict {
  const bad = checkHopStatement(s, limits)
  if (bad !== null) return { ok: false, why: bad }
  if (!wellShaped(s, openings)) return { ok: false, why: 'BAD_SHAPE' }
  const { roots, counts } = openings
  const heads = tickChain(s.hopSeed, counts, roots)
  if (!equalBytes(heads.at(-1)!, s.closing)) return { ok: false, why: 'BAD_COMMIT' }
  const segments = openedSegments(kernels, s.openSeed, s.checkpoints).map((end, i) => ({
    end,
    before: openings.states.subarray(2 * i * STATE_BYTES, (2 * i + 1) * STATE_BYTES),
    after: openings.states.subarray((2 * i + 1) * STATE_BYTES, (2 * i + 2) * STATE_BYTES),
  }))
  const root = (checkpoint: number): Bytes => roots.subarray(32 * checkpoint, 32 * checkpoint + 32)
  for (const { end, before, after } of segments) {
    const starts =
      end === 0
        ? equalBytes(before, firstState(s.hopSeed))
        : equalBytes(hashState(before), root(end - 1))
    if (!starts || !equalBytes(hashState(after), root(end))) {
      return { ok: false, why: 'BAD_PATH', at: [end] }
    }
  }
  kernels.setKey(s.fillSeed)
  const { iterations, hops } = limits
  const fill = { domain: DOMAIN_FILL, pages: s.bytes / PAGE_BYTES, iterations }
  const states = segments.map(({ before }) => before)
  const walked = kernels.hopsWithoutFill(states, hopKey(s.hopSeed), fill, hops)
  const wrong = segments.findIndex(({ after }, i) => !equalBytes(after, walked[i]!))
  if (wrong !== -1) return { ok: false, why: 'BAD_VALUE', at: [segments[wrong]!.end] }
  return { ok: true, heads, hops: segments.length * hops }
}

/** Puts together what a prover opens from the states at every checkpoint (16 B each, in order). */
export function openHops(
  kernels: Kernels,
  s: HopStatement,
  counts: readonly number[],
  states: Bytes,
): HopOpenings {
  const at = (checkpoint: number): Bytes =>
    checkpoint < 0
      ? firstState(s.hopSeed)
      : states.subarray(checkpoint * STATE_BYTES, (checkpoint + 1) * STATE_BYTES)
  const all = Array.from({ length: s.checkpoints }, (_, i) => at(i))
  const segments = openedSegments(kernels, s.openSeed, s.checkpoints)
  return {
    counts,
    roots: concat(all.map(hashState)),
    states: concat(segments.flatMap((end) => [at(end - 1), at(end)])),
  }
}
