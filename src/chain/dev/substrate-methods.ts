import { codeOf } from '../../errors.ts'
import { fromHex, toHex } from '../hex.ts'
import { compact } from '../scale.ts'
import { decodeAddress, encodeAddress } from '../ss58.ts'
import type { Block } from './chain-store.ts'
import type { DevNode } from './dev-node.ts'
import { headerJson } from './header.ts'
import { badParams, RpcError } from './rpc-error.ts'
import type { Method, Methods } from './rpc-server.ts'
import { subscriptionMethods } from './subscriptions.ts'

const PROPERTIES = { ss58Format: 42, tokenDecimals: 9, tokenSymbol: 'TAO' }
const MAX_KEYS = 2500
const MAX_EXTRINSIC_BYTES = 64 * 1024

/** The part of Substrate's JSON-RPC that @polkadot/api uses. */
export function substrateMethods(node: DevNode): Methods {
  const version = node.runtime.constant('System', 'Version')
  const methods: Record<string, Method> = {
    system_chain: () => 'compute-node dev',
    system_name: () => 'compute-node',
    system_version: () => String(node.runtime.spec),
    system_chainType: () => 'Development',
    system_properties: () => PROPERTIES,
    system_health: () => ({ peers: 0, isSyncing: false, shouldHavePeers: false }),
    system_accountNextIndex: ([address]) => node.nextNonce(addressParam(address)),
    state_getMetadata: () => node.runtime.metadataHex,
    state_getRuntimeVersion: () => version,
    chain_getRuntimeVersion: () => version,
    state_call: ([name, data]) => callRuntime(node, name, data),
    author_submitExtrinsic: ([bytes]) => node.submit(bytesParam(bytes)).hash,
    ...blockMethods(node),
    ...storageMethods(node),
    ...subscriptionMethods(node, version, bytesParam),
  }
  methods['rpc_methods'] = () => ({ methods: Object.keys(methods).sort() })
  return methods
}

function addressParam(address: unknown): string {
  try {
    return encodeAddress(decodeAddress(String(address)))
  } catch (error) {
    throw badParams(codeOf(error))
  }
}

function bytesParam(value: unknown): Uint8Array {
  const bytes = fromHex(value, MAX_EXTRINSIC_BYTES)
  if (bytes === undefined) throw badParams('bytes in hex are wanted, at most 64 KiB')
  return bytes
}

function blockMethods(node: DevNode): Methods {
  const block = (hash: unknown): Block | undefined =>
    hash === undefined || hash === null ? node.newest : node.block(String(hash))
  const number = (value: unknown): string | null => {
    if (value === undefined || value === null) return node.newest.hash
    if (Array.isArray(value)) throw badParams('one block number at a time')
    return node.hashOf(Number(value)) ?? null
  }
  return {
    chain_getBlockHash: ([value]) => number(value),
    chain_getFinalizedHead: () => node.newest.hash,
    chain_getHeader: ([hash]) => {
      const found = block(hash)
      return found === undefined ? null : headerJson(found.header)
    },
    chain_getBlock: ([hash]) => {
      const found = block(hash)
      if (found === undefined) return null
      const { header, extrinsics } = found
      return { block: { header: headerJson(header), extrinsics }, justifications: null }
    },
  }
}

function storageMethods(node: DevNode): Methods {
  /** The number of a block whose storage is still here. */
  const at = (hash: unknown): number => {
    if (hash === undefined || hash === null) return node.head
    const number = node.block(String(hash))?.header.number
    if (number === undefined) throw new RpcError(4003, `Client error: UnknownBlock: ${hash}`)
    if (number < node.state.oldest)
      throw new RpcError(4003, `Client error: UnknownBlock: State already discarded for ${hash}`)
    return number
  }
  const keysParam = (keys: unknown): string[] => {
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw badParams(`at most ${MAX_KEYS} keys`)
    return keys.map(String)
  }
  const query: Method = ([keys, hash]) => {
    const number = at(hash)
    const changes = keysParam(keys).map((key) => [key, node.state.get(key, number)])
    return [{ block: node.hashOf(number), changes }]
  }
  const keysPaged: Method = ([prefix, count, start, hash]) => {
    const limit = Math.min(Number(count) || 0, MAX_KEYS)
    const after = typeof start === 'string' ? start : ''
    const keys = node.state.keys(String(prefix ?? '0x'), at(hash))
    return keys.filter((key) => key > after).slice(0, limit)
  }
  return {
    state_getStorage: ([key, hash]) => node.state.get(String(key), at(hash)),
    state_queryStorageAt: query,
    state_getKeysPaged: keysPaged,
  }
}

/** The runtime APIs that clients need to start, to count nonces and to show fees, which are nothing here. */
function callRuntime(node: DevNode, name: unknown, data: unknown): string {
  const bytes = fromHex(data, 256 * 1024) ?? new Uint8Array()
  switch (name) {
    case 'Metadata_metadata_versions':
      return '0x040e000000'
    case 'Metadata_metadata_at_version':
      return data === '0x0e000000' ? opaqueMetadata(node) : '0x00'
    case 'AccountNonceApi_account_nonce': {
      if (bytes.length !== 32) throw badParams('an account has 32 bytes')
      return u32(node.nextNonce(encodeAddress(bytes)))
    }
    case 'TransactionPaymentApi_query_info': // weight, class Normal, fee 0
      return toHex(Buffer.concat([compact(1000), compact(0), new Uint8Array(9)]))
    default:
      throw new RpcError(-32601, `Method not found: state_call ${String(name)}`)
  }
}

function opaqueMetadata(node: DevNode): string {
  const bytes = fromHex(node.runtime.metadataHex, 1024 * 1024)!
  return toHex(Buffer.concat([Uint8Array.of(1), compact(bytes.length), bytes]))
}

function u32(n: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(n)
  return toHex(bytes)
}
