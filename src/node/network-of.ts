import { NodeError } from '../errors.ts'
import { createNetwork, KNOWN_GENESIS, type Network } from '../protocols/network.ts'
import type { Config } from './config.ts'

/**
 * The market a configuration names; known networks bring their genesis, a local one is told it.
 * @throws BAD_CONFIG_GENESIS when a local network's genesis is missing, or another is given for a known network
 */
export function networkOf({ network, netuid, genesis }: Config): Network {
  const known = KNOWN_GENESIS[network]
  if (known !== undefined && genesis !== undefined && genesis !== known) {
    throw new NodeError(
      'BAD_CONFIG_GENESIS',
      `${network} has the genesis ${known}, not ${genesis}`,
      {
        next: 'leave --genesis out, or choose --network local',
      },
    )
  }
  const hex = genesis ?? known
  if (hex === undefined) {
    throw new NodeError('BAD_CONFIG_GENESIS', 'a local network needs the genesis of its chain', {
      next: 'give --genesis HEX (compute-node chain dev --json prints it), or use a devnet folder: --data-dir .devnet/renter',
    })
  }
  return createNetwork(network, netuid, Uint8Array.from(Buffer.from(hex, 'hex')))
}
