import { concat, sha256, toHex, utf8 } from '../bytes.ts'
import { NodeError } from '../errors.ts'

export type NetworkName = 'local' | 'test' | 'finney'

/** Which market this is: everything signed or named in one is void in every other. */
export interface Network {
  readonly network: NetworkName
  readonly netuid: number
  /** 32 B. */
  readonly genesis: Uint8Array
  /** SHA-256("compute-node/net/1\0" ‖ genesis ‖ u16 big-endian netuid), 32 B. */
  readonly digest: Uint8Array
  /** `<network>-<netuid>-<first 8 hex of digest>`, the prefix of every name on the wire. */
  readonly name: string
}

/** Genesis hashes of known networks, so that a renter needs no chain connection. */
export const KNOWN_GENESIS: Readonly<Partial<Record<NetworkName, string>>> = {
  finney: '2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03',
  test: '8f9cf856bf558a14440e75569c9e58594757048d7b3a84b5d25f6bd978263105',
}

const DOMAIN = utf8('compute-node/net/1\0')

/** The identity of a network (DESIGN.md, "Bytes"); throws BAD_CONFIG on a bad netuid or genesis. */
export function createNetwork(network: NetworkName, netuid: number, genesis: Uint8Array): Network {
  if (!Number.isInteger(netuid) || netuid < 0 || netuid > 0xffff) {
    throw new NodeError('BAD_CONFIG', `netuid must be 0 to 65535, got ${netuid}`)
  }
  if (genesis.length !== 32) throw new NodeError('BAD_CONFIG', 'a genesis hash has 32 bytes')
  const netuidBytes = Uint8Array.of(netuid >> 8, netuid & 255)
  const digest = sha256(concat([DOMAIN, genesis, netuidBytes]))
  const name = `${network}-${netuid}-${toHex(digest.subarray(0, 4))}`
  return { network, netuid, genesis, digest, name }
}

/** A protocol's id on the wire, e.g. `/compute-node/finney-51-1f00ba2c/lease/1`; topics and the DHT follow the same rule. */
export const wireName = (net: Network, name: string, version = 1): string =>
  `/compute-node/${net.name}/${name}/${version}`
