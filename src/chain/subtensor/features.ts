import type { ApiPromise } from '@polkadot/api'
import { NodeError } from '../../errors.ts'
import type { ChainFeatures, ChainInfo } from '../chain.ts'
import type { Connection } from './connection.ts'

/** What this runtime can do, from its metadata. CHAIN_UNSUPPORTED when it is no subtensor. */
export function chainInfo({ api, provider }: Connection): ChainInfo {
  if (api.query['subtensorModule'] === undefined || api.query['commitments'] === undefined) {
    throw new NodeError(
      'CHAIN_UNSUPPORTED',
      'this chain has no subtensor and commitments pallets',
      {
        next: 'give the endpoint of a Bittensor chain with --chain',
      },
    )
  }
  return {
    specName: api.runtimeVersion.specName.toString(),
    specVersion: api.runtimeVersion.specVersion.toNumber(),
    features: featuresOf(api),
    endpoint: provider.url,
  }
}

/** A call by polkadot.js' names. @throws CHAIN_UNSUPPORTED when this runtime does not have it */
export function callOf(api: ApiPromise, section: string, method: string) {
  const call = api.tx[section]?.[method]
  if (call !== undefined) return call
  throw new NodeError('CHAIN_UNSUPPORTED', `this runtime has no call ${section}.${method}`)
}

/** The features of the metadata that the connection has now: another after an upgrade of the runtime. */
export function featuresOf({ query }: Pick<ApiPromise, 'query'>): ChainFeatures {
  const has = (name: string): boolean => query['subtensorModule']?.[name] !== undefined
  return {
    mechanisms: has('mechanismCountCurrent'),
    timelock: has('timelockedWeightCommits'),
    statefulEpochs: has('subnetEpochIndex'),
    stakeThreshold: has('stakeThreshold'),
  }
}

/** Storage of a mechanism's weights is kept under this number in the place of the netuid (4096 subnets at most). */
export const mechanismIndex = (netuid: number, mechanism: number): number =>
  mechanism * 4096 + netuid
