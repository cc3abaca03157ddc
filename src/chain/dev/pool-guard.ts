import { alphaOf, stakeThreshold } from './calls/subnet.ts'
import type { SignedExtrinsic } from './extrinsics.ts'
import { invalidTransaction } from './rpc-error.ts'
import type { Storage } from './storage.ts'

/** Calls that a hotkey with too little stake may not even put into the pool. */
const WEIGHING = new Set([
  'setWeights',
  'commitWeights',
  'revealWeights',
  'setMechanismWeights',
  'commitMechanismWeights',
  'revealMechanismWeights',
])

/** The pool's own checks of the real runtime, where they are known: stake. Throws 1010 with the runtime's number. */
export function assertPoolTakes(
  storage: Storage,
  { signer, extrinsic }: Pick<SignedExtrinsic, 'signer' | 'extrinsic'>,
): void {
  const { section, method, args } = extrinsic.method
  if (section !== 'subtensorModule' || !WEIGHING.has(method)) return
  const netuid = Number(args[0]!.toString())
  if (alphaOf(storage, netuid, signer) >= stakeThreshold(storage)) return
  throw invalidTransaction({ custom: storage.runtime.spec === 218 ? 3 : 1 })
}
