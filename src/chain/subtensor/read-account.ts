import type { ApiPromise } from '@polkadot/api'
import type { AccountFunds, PaidCall } from '../chain-accounts.ts'
import { callOf } from './features.ts'
import type { Transaction } from './transactions.ts'

/** What an account holds, by its entry in `system.account` now. */
export async function readFunds(api: ApiPromise, address: string): Promise<AccountFunds> {
  const account = await api.query['system']!['account']!(address)
  const { free, reserved } = (account as unknown as { data: Record<string, object> }).data
  return { freeRao: BigInt(free!.toString()), reservedRao: BigInt(reserved!.toString()) }
}

/** The transaction that a call stands for. */
export function transactionOf(api: ApiPromise, call: PaidCall): Transaction {
  const make = (section: string, method: string, ...args: unknown[]): Transaction =>
    callOf(api, section, method)(...args)
  switch (call.kind) {
    case 'transfer':
      return make('balances', 'transferKeepAlive', call.to, call.rao)
    case 'register':
      return make('subtensorModule', 'burnedRegister', call.netuid, call.hotkey)
    case 'stake':
      return make('subtensorModule', 'addStake', call.hotkey, call.netuid, call.rao)
  }
}

/** What the runtime says a call would cost its sender besides what it moves; 0 where it is free. */
export async function readFee(api: ApiPromise, payer: string, call: PaidCall): Promise<bigint> {
  const { partialFee } = await transactionOf(api, call).paymentInfo(payer)
  return BigInt(partialFee.toString())
}
