// The part of the subtensor runtime that this project uses, as facts: indices, names, types, hashers, defaults.
// `bySpec(a, b)` marks what differs between spec 218 and spec 424; `null` means absent there.
import { blake2b } from '@noble/hashes/blake2.js'
import { toHex } from '../../hex.ts'
import { bySpec, constant, item, map, otherwise, type PalletRow, value } from './table.ts'

// A runtime API is announced by the hash of its name. Only announced ones appear as api.call.*.
const runtimeApis = Object.entries({
  Core: 5,
  Metadata: 2,
  BlockBuilder: 6,
  TaggedTransactionQueue: 3,
  AccountNonceApi: 1,
  TransactionPaymentApi: 4,
}).map(([name, version]) => [toHex(blake2b(Buffer.from(name), { dkLen: 8 })), version])
const byAccount = ['Blake2_128Concat AccountId32']

/** Blocks, events and accounts. */
export const system: PalletRow = {
  index: 0,
  crate: 'frame_system',
  storage: {
    Account: map(byAccount, 'AccountInfo', otherwise({ data: { flags: 2n ** 127n } })), // the "new logic" flag is set by default
    BlockHash: map(['Twox64Concat u32'], 'H256'),
    Number: value('u32'),
    ParentHash: value('H256'),
    Events: value('Vec<EventRecord>'),
    EventCount: value('u32'),
  },
  calls: {
    remark: item(0, { remark: 'Vec<u8>' }),
    remark_with_event: item(7, { remark: 'Vec<u8>' }),
  },
  events: {
    ExtrinsicSuccess: item(0, { dispatch_info: 'DispatchInfo' }),
    ExtrinsicFailed: item(1, { dispatch_error: 'DispatchError', dispatch_info: 'DispatchInfo' }),
    NewAccount: item(3, { account: 'AccountId32' }),
    KilledAccount: item(4, { account: 'AccountId32' }),
    Remarked: item(5, { sender: 'AccountId32', hash: 'H256' }),
  },
  errors: { CallFiltered: 5 },
  constants: {
    BlockHashCount: constant('u32', 2400),
    DbWeight: constant('RuntimeDbWeight', { read: 25_000_000, write: 100_000_000 }),
    SS58Prefix: constant('u16', 42),
    Version: constant('RuntimeVersion', {
      specName: 'node-subtensor',
      implName: 'node-subtensor',
      authoringVersion: 1,
      specVersion: bySpec(218, 424),
      implVersion: 1,
      apis: runtimeApis,
      transactionVersion: 1,
      stateVersion: bySpec(1, null),
      systemVersion: bySpec(null, 1),
    }),
  },
}

/** The time of a block. */
export const timestamp: PalletRow = {
  index: 2,
  crate: 'pallet_timestamp',
  storage: { Now: value('u64') },
  calls: { set: item(0, { now: 'Compact<u64>' }) },
  constants: { MinimumPeriod: constant('u64', bySpec(1500, 6000)) },
}

/** Free rao and its transfers. */
export const balances: PalletRow = {
  index: 5,
  crate: 'pallet_balances',
  storage: { TotalIssuance: value('u64') },
  calls: {
    transfer_allow_death: item(0, { dest: 'MultiAddress', value: 'Compact<u64>' }),
    transfer_keep_alive: item(3, { dest: 'MultiAddress', value: 'Compact<u64>' }),
    transfer_all: item(4, { dest: 'MultiAddress', keep_alive: 'bool' }),
    force_set_balance: item(8, { who: 'MultiAddress', new_free: 'Compact<u64>' }),
  },
  events: {
    Endowed: item(0, { account: 'AccountId32', free_balance: 'u64' }),
    DustLost: item(1, { account: 'AccountId32', amount: 'u64' }),
    Transfer: item(2, { from: 'AccountId32', to: 'AccountId32', amount: 'u64' }),
    BalanceSet: item(3, { who: 'AccountId32', free: 'u64' }),
    Reserved: item(4, { who: 'AccountId32', amount: 'u64' }),
    Unreserved: item(5, { who: 'AccountId32', amount: 'u64' }),
    Deposit: item(7, { who: 'AccountId32', amount: 'u64' }),
    Withdraw: item(8, { who: 'AccountId32', amount: 'u64' }),
  },
  errors: {
    LiquidityRestrictions: 1,
    InsufficientBalance: 2,
    ExistentialDeposit: 3,
    Expendability: 4,
    DeadAccount: 6,
  },
  constants: { ExistentialDeposit: constant('u64', 500) },
}

/** Fees, of which this chain takes none. */
export const transactionPayment: PalletRow = {
  index: 6,
  crate: 'pallet_transaction_payment',
  events: { TransactionFeePaid: item(0, { who: 'AccountId32', actual_fee: 'u64', tip: 'u64' }) },
}
