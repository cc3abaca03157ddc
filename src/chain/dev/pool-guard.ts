import type { Codec } from '@polkadot/types/types'
import { MAX_TIMELOCKED_BYTES } from '../timelock.ts'
import { alphaOf, stakeThreshold } from './calls/subnet.ts'
import { lastStoredRound } from './calls/timelocked.ts'
import type { SignedExtrinsic } from './extrinsics.ts'
import { invalidTransaction, RpcError } from './rpc-error.ts'
import type { Storage } from './storage.ts'

const TIMELOCKING = ['commitTimelockedWeights', 'commitTimelockedMechanismWeights']

/** Calls that a hotkey with too little stake may not even put into the pool. */
const WEIGHING = new Set([
  'setWeights',
  'commitWeights',
  'revealWeights',
  'setMechanismWeights',
  'commitMechanismWeights',
  'revealMechanismWeights',
  ...TIMELOCKING,
])

/**
 * The pool's own checks of the real runtime, where they are known: stake, and for timelocked weights their
 * length and a round that the chain does not have yet. Throws 1010 with the runtime's number.
 */
export function assertPoolTakes(
  storage: Storage,
  { signer, extrinsic }: Pick<SignedExtrinsic, 'signer' | 'extrinsic'>,
): void {
  const { section, method, args } = extrinsic.method
  if (section !== 'subtensorModule' || !WEIGHING.has(method)) return
  const netuid = Number(args[0]!.toString())
  if (alphaOf(storage, netuid, signer) < stakeThreshold(storage))
    throw invalidTransaction({ custom: storage.runtime.spec === 218 ? 3 : 1 })
  if (TIMELOCKING.includes(method)) assertSealed(storage, args.slice(-3))
}

function assertSealed(storage: Storage, [sealed, round]: readonly Codec[]): void {
  const { length } = sealed as unknown as Uint8Array
  if (length > MAX_TIMELOCKED_BYTES)
    throw new RpcError(1002, 'Verification Error: the transaction cannot be decoded', 'too long')
  if (Number(round!.toString()) < lastStoredRound(storage)) throw invalidTransaction({ custom: 15 })
}
