import { hash } from 'node:crypto'

/** A validator that the chain permits, under the PeerId its hotkey bound. */
export interface PermittedValidator {
  readonly peerId: string
  /** Public key of its hotkey, 32 B. */
  readonly hotkey?: Uint8Array
  /** Alpha base units. */
  readonly stake: bigint
  /** Whether it set weights (or registered) within the activity cutoff; absent where nobody asked. */
  readonly isActive?: boolean
}

/** Who may challenge and testify, as this node last saw the chain. */
export interface ValidatorView {
  validators(): readonly PermittedValidator[]
}

/** With which voice a validator's stake speaks: a hotkey may bind many PeerIds, but its stake counts once. */
export const voiceOf = ({
  peerId,
  hotkey,
}: Pick<PermittedValidator, 'peerId' | 'hotkey'>): string =>
  hotkey === undefined ? peerId : Buffer.from(hotkey).toString('hex')

/**
 * Those whose stake counts (notes/scoring.md §1): that set weights within the activity cutoff. Where none did, as in a
 * subnet that slept, all of them, or nobody could ever begin again.
 */
export function activeOf(all: readonly PermittedValidator[]): readonly PermittedValidator[] {
  const active = all.filter(({ isActive }) => isActive !== false)
  return active.length === 0 ? all : active
}

/** Whether a peer may challenge and testify now. */
export const isPermitted = (view: ValidatorView, peerId: string): boolean =>
  view.validators().some((validator) => validator.peerId === peerId)

/** Who is permitted, as one name of 32 characters; undefined while nobody is. */
export function permittedName(view: ValidatorView): string | undefined {
  const peers = view.validators().map(({ peerId }) => peerId)
  return peers.length === 0 ? undefined : hash('sha256', peers.toSorted().join()).slice(0, 32)
}
