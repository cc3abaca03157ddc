import { type KeyObject, sign } from 'node:crypto'
import { NodeError } from '../errors.ts'
import { isDevGenesis } from './dev/header.ts'
import { fromHex, toHex } from './hex.ts'
import { connectJsonRpc, type JsonRpc } from './json-rpc.ts'
import { verifyHotkeySignature } from './keys.ts'
import { faucetBytes, openBytes, reclaimBytes, settleBytes, voucherBytes } from './ledger-bytes.ts'
import type { Escrow, PaymentRail } from './payment-rail.ts'

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

/** The rail of the embedded chain's ledger in DEV. It also asks the faucet, so that a devnet renter can pay. */
export interface DevLedgerRail extends PaymentRail {
  /** Takes this account's one grant; the balance after it. Asking again changes nothing. */
  faucet(): Promise<bigint>
}

interface EscrowJson {
  readonly leaseId: string
  readonly renter: string
  readonly miner: string
  readonly deposit: string
  readonly claimed: string
  readonly expiresAtMs: number
  readonly state: 'open' | 'closed'
}

/**
 * The rail, connected when it is first used and again after the connection was lost. Calls throw CHAIN_UNREACHABLE, and
 * CHAIN_NOT_DEV when the chain is not the embedded one or not the one of this network: DEV is worth nothing, so it may
 * never stand in for money.
 */
export function devLedger(options: DevRailOptions): DevLedgerRail {
  const { url, genesis, key, signal } = options
  const connection = reconnecting(url, genesis, signal)
  const call = async <T>(method: string, params: object): Promise<T> =>
    (await connection.open()).call<T>(method, [params], signal)
  const signed = (message: Uint8Array): string => toHex(sign(null, message, key.privateKey))
  const account = toHex(key.publicKey)
  return {
    name: 'dev',
    asset: 'DEV',
    async openEscrow({ leaseId, miner, deposit, expiresAtMs }) {
      const fields = { leaseId, renter: key.publicKey, miner, deposit, expiresAtMs }
      await call('cn_ledgerOpen', {
        leaseId: toHex(leaseId),
        renter: account,
        miner: toHex(miner),
        deposit: deposit.toString(),
        expiresAtMs,
        signature: signed(openBytes(genesis, fields)),
      })
    },
    async escrow(leaseId) {
      const found = await call<EscrowJson | null>('cn_ledgerEscrow', { leaseId: toHex(leaseId) })
      return found === null ? undefined : escrowOf(found)
    },
    signVoucher: (leaseId, cumulative) =>
      new Uint8Array(sign(null, voucherBytes(genesis, leaseId, cumulative), key.privateKey)),
    checkVoucher: ({ leaseId, cumulative, signature, renter }) =>
      verifyHotkeySignature(
        'ed25519',
        renter,
        voucherBytes(genesis, leaseId, cumulative),
        signature,
      ),
    async settle(leaseId, voucher) {
      const cumulative = voucher?.cumulative ?? 0n
      return escrowOf(
        await call<EscrowJson>('cn_ledgerSettle', {
          leaseId: toHex(leaseId),
          cumulative: cumulative.toString(),
          signature: signed(settleBytes(genesis, leaseId, cumulative)),
          ...(voucher === undefined ? {} : { voucher: toHex(voucher.signature) }),
        }),
      )
    },
    async reclaim(leaseId) {
      const signature = signed(reclaimBytes(genesis, leaseId))
      const params = { leaseId: toHex(leaseId), signature }
      return escrowOf(await call<EscrowJson>('cn_ledgerReclaim', params))
    },
    balance: async () => BigInt(await call<string>('cn_ledgerBalance', { account })),
    async faucet() {
      const signature = signed(faucetBytes(genesis, key.publicKey))
      return BigInt(await call<string>('cn_ledgerFaucet', { account, signature }))
    },
    close: () => connection.close(),
  }
}

/** The rail, once its chain has answered and proved to be the right one; throws as its calls do. */
export async function openDevLedger(options: DevRailOptions): Promise<DevLedgerRail> {
  const rail = devLedger(options)
  await rail.balance()
  return rail
}

const escrowOf = ({ leaseId, renter, miner, ...rest }: EscrowJson): Escrow => ({
  leaseId: fromHex(leaseId, 32)!,
  renter: fromHex(renter, 32)!,
  miner: fromHex(miner, 32)!,
  deposit: BigInt(rest.deposit),
  claimed: BigInt(rest.claimed),
  expiresAtMs: rest.expiresAtMs,
  state: rest.state,
})

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
