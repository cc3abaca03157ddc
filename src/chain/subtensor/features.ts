import type { ApiPromise } from '@polkadot/api'
import { NodeError } from '../../errors.ts'
import type { ChainInfo } from '../chain.ts'

/** What this runtime can do, from its metadata. CHAIN_UNSUPPORTED when it is no subtensor. */
export function chainInfo(api: ApiPromise): ChainInfo {
  const entries = api.query['subtensorModule']
  if (entries === undefined || api.query['commitments'] === undefined) {
    throw new NodeError(
      'CHAIN_UNSUPPORTED',
      'this chain has no subtensor and commitments pallets',
      {
        next: 'give the endpoint of a Bittensor chain with --chain',
      },
    )
  }
  const has = (name: string): boolean => entries[name] !== undefined
  return {
    specName: api.runtimeVersion.specName.toString(),
    specVersion: api.runtimeVersion.specVersion.toNumber(),
    features: {
      mechanisms: has('mechanismCountCurrent'),
      timelock: has('timelockedWeightCommits'),
      statefulEpochs: has('subnetEpochIndex'),
      stakeThreshold: has('stakeThreshold'),
    },
  }
}
