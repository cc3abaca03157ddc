import { type KeyObject, sign } from 'node:crypto'
import { NodeError } from '../errors.ts'
import { isDevGenesis } from './dev/header.ts'
import { toHex } from './hex.ts'
import { connectJsonRpc, type JsonRpc } from './json-rpc.ts'

/** The peer whose money this is: its PeerId's ed25519 key. */
export interface RailKey {
  /** 32 B. */
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
}

export interface DevRailOptions {
  /** The dev chain's endpoint. */
  readonly url: string
  /** The genesis of this node's network, 32 B; another chain is refused. */
  readonly genesis: Uint8Array
  readonly key: RailKey
  readonly signal: AbortSignal
}

/** The embedded chain's ledger as one peer asks it. */
export interface LedgerLink {
  readonly genesis: Uint8Array
  readonly publicKey: Uint8Array
  /** Signs as this peer; hex. */
  signed(message: Uint8Array): string
  call<T>(method: string, params: object): Promise<T>
  close(): void
}

/**
 * Connected when it is first used and again after the connection was lost. Calls throw CHAIN_UNREACHABLE, and
 * CHAIN_NOT_DEV when the chain is not the embedded one or not the one of this network: DEV is worth nothing, so it may
 * never stand in for money.
 */
export function ledgerLink({ url, genesis, key, signal }: DevRailOptions): LedgerLink {
  const connection = reconnecting(url, genesis, signal)
  return {
    genesis,
    publicKey: key.publicKey,
    signed: (message) => toHex(sign(null, message, key.privateKey)),
    call: async (method, params) => (await connection.open()).call(method, [params], signal),
    close: () => connection.close(),
  }
}

interface Connection {
  open(): Promise<JsonRpc>
  close(): void
}

/** One connection, opened when first needed and again after it was lost. */
function reconnecting(url: string, genesis: Uint8Array, signal: AbortSignal): Connection {
  let current: Promise<JsonRpc> | undefined
  const forget = (): void => {
    current = undefined
  }
  const close = (): void => {
    current?.then((rpc) => rpc.close(), forget)
  }
  signal.addEventListener('abort', close, { once: true })
  return {
    open() {
      if (current === undefined) {
        current = connectJsonRpc(url, signal).then((rpc) => assertDevChain(rpc, genesis))
        current.then((rpc) => rpc.closed.then(forget), forget)
      }
      return current
    },
    close,
  }
}

async function assertDevChain(rpc: JsonRpc, genesis: Uint8Array): Promise<JsonRpc> {
  const info = await rpc.call<{ genesis?: string; stateRoot?: string }>('cn_info', [])
  const same = info.genesis === toHex(genesis)
  if (same && isDevGenesis(genesis, String(info.stateRoot))) return rpc
  rpc.close()
  throw new NodeError(
    'CHAIN_NOT_DEV',
    same ? 'this network is no embedded devnet' : 'the chain is of another network',
    { next: 'the dev ledger works on local networks of compute-node alone; check --chain' },
  )
}
