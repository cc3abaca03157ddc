import { encode } from 'cborg'
import { sha256 } from '../bytes.ts'
import type { Bytes } from './hash.ts'

/** What a seed is for; each phase has its own, so that no work done for one counts in another. */
export type Phase = 'fill' | 'pass' | 'gemm' | 'hops' | 'open-pages' | 'open-rows' | 'open-hops'

/** Whose GPU proves, and in which market. */
export interface GpuIdentity {
  /** Genesis hash of the chain, 32 B. */
  readonly genesis: Bytes
  readonly netuid: number
  /** Public key of the hotkey, 32 B; the PeerId's key where no hotkey is bound. */
  readonly hotkey: Bytes
  readonly peerId: string
  readonly gpuId: string
}

/**
 * The 32-byte seed of one phase of one slot for one GPU: SHA-256 of a canonical CBOR array, so that no field can slide
 * into its neighbour. `size` is n for gemm and open-rows, the buffer's bytes for the others.
 */
export function deriveSeed(
  phase: Phase,
  id: GpuIdentity,
  size: number,
  round: number,
  randomness: Bytes,
): Bytes {
  for (const value of [id.netuid, size, round]) {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not a count: ${value}`)
  }
  const { genesis, netuid, hotkey, peerId, gpuId } = id
  const fields = [phase, genesis, netuid, hotkey, peerId, gpuId, size, round, randomness]
  return sha256(encode(['gpuproof/v1', ...fields]))
}
