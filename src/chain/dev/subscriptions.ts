import type { Block } from './chain-store.ts'
import type { BlockListener, DevNode } from './dev-node.ts'
import { headerJson } from './header.ts'
import { badParams } from './rpc-error.ts'
import type { Client, Method, Methods } from './rpc-server.ts'
import type { Changes } from './versioned-state.ts'

const MAX_KEYS = 1000

/** What a client may subscribe to: heads, storage changes, the runtime version, and its own transactions. */
export function subscriptionMethods(
  node: DevNode,
  version: unknown,
  bytesParam: (value: unknown) => Uint8Array,
): Methods {
  const unsubscribe: Method = ([id], client) => client.unsubscribe(String(id))
  const heads =
    (event: string): Method =>
    (_, client) =>
      follow(
        node,
        client,
        event,
        (block) => headerJson(block.header),
        () => headerJson(node.newest.header),
      )
  const submitAndWatch: Method = ([bytes], client) => {
    const id = client.subscribe(() => undefined)
    const tell = (status: unknown) => client.notify('author_extrinsicUpdate', id, status)
    try {
      node.submit(bytesParam(bytes), (status) => setImmediate(tell, status))
    } catch (error) {
      client.unsubscribe(id)
      throw error
    }
    return id
  }
  return {
    chain_subscribeNewHead: heads('chain_newHead'),
    chain_subscribeNewHeads: heads('chain_newHead'),
    chain_subscribeFinalizedHeads: heads('chain_finalizedHead'),
    state_subscribeRuntimeVersion: (_, client) => {
      const id = client.subscribe(() => undefined)
      setImmediate(() => client.notify('state_runtimeVersion', id, version))
      return id
    },
    state_subscribeStorage: ([keys], client) => subscribeStorage(node, client, keys),
    author_submitAndWatchExtrinsic: submitAndWatch,
    chain_unsubscribeNewHead: unsubscribe,
    chain_unsubscribeNewHeads: unsubscribe,
    chain_unsubscribeFinalizedHeads: unsubscribe,
    state_unsubscribeRuntimeVersion: unsubscribe,
    state_unsubscribeStorage: unsubscribe,
    author_unwatchExtrinsic: unsubscribe,
  }
}

/** Sends what is so now, after the subscription's id, and then what each block gives; undefined is not sent. */
function follow(
  node: DevNode,
  client: Client,
  event: string,
  map: (block: Block, changes: Changes) => unknown,
  now: () => unknown,
): string {
  const listener: BlockListener = (block, changes) => {
    const result = map(block, changes)
    if (result !== undefined) client.notify(event, id, result)
  }
  let ended = false
  const id = client.subscribe(() => {
    ended = true
    node.listeners.delete(listener)
  })
  setImmediate(() => {
    if (ended) return
    client.notify(event, id, now())
    node.listeners.add(listener) // no block comes between the two
  })
  return id
}

function subscribeStorage(node: DevNode, client: Client, param: unknown): string {
  if (!Array.isArray(param) || param.length > MAX_KEYS) throw badParams('at most 1000 keys')
  const keys = param.map(String)
  const now = () => ({
    block: node.newest.hash,
    changes: keys.map((key) => [key, node.state.get(key)]),
  })
  const map = (block: Block, changes: Changes): unknown => {
    const changed = keys.filter((key) => changes.has(key))
    if (changed.length === 0) return undefined
    return { block: block.hash, changes: changed.map((key) => [key, changes.get(key) ?? null]) }
  }
  return follow(node, client, 'state_storage', map, now)
}
