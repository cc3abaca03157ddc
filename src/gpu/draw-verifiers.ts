import { encode } from 'cborg'
import type { Pulse } from '../beacon.ts'
import { sha256 } from '../bytes.ts'

/** One that may be drawn: a validator's hotkey (or PeerId where none is bound), and its stake. */
export interface Voter {
  readonly id: string
  readonly stake: bigint
}

/** Verifiers that must pull the openings of one GPU in one slot (gpu-protocol §7). */
export const VERIFIER_SEATS = 5

/**
 * Draws who must check a GPU's openings, by stake and without repetition: the same five for everyone who sees the same
 * open pulse and stakes, and nobody can know them before the openings are fixed. Seats make sure that somebody looks;
 * they decide nothing (scoring.md §3). Fewer voters with stake than seats are all drawn.
 */
export function drawVerifiers(
  { round, randomness }: Pick<Pulse, 'round' | 'randomness'>,
  { peerId, gpuId }: { readonly peerId: string; readonly gpuId: string },
  voters: readonly Voter[],
): Set<string> {
  const left = voters
    .filter(({ stake }) => stake > 0n)
    .toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
  const drawn = new Set<string>()
  for (let seat = 0; seat < VERIFIER_SEATS && left.length > 0; seat++) {
    const seed = encode(['gpuproof/verifiers', round, randomness, peerId, gpuId, seat])
    const ticket = new DataView(sha256(seed).buffer).getBigUint64(0)
    const total = left.reduce((sum, { stake }) => sum + stake, 0n)
    let at = (ticket * total) >> 64n
    const index = left.findIndex(({ stake }) => {
      at -= stake
      return at < 0n
    })
    drawn.add(left.splice(index, 1)[0]!.id)
  }
  return drawn
}

/**
 * Whether one that was not drawn checks a GPU's openings all the same: for `share` (0 to 1) of all GPUs and slots, each
 * volunteer others, from the open pulse on.
 */
export function volunteers(
  { round, randomness }: Pick<Pulse, 'round' | 'randomness'>,
  { peerId, gpuId }: { readonly peerId: string; readonly gpuId: string },
  id: string,
  share: number,
): boolean {
  const seed = encode(['gpuproof/volunteers', round, randomness, peerId, gpuId, id])
  return new DataView(sha256(seed).buffer).getUint32(0) < share * 2 ** 32
}
