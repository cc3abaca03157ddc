// The part of the subtensor runtime that this project uses, as facts: indices, names, types, hashers, defaults.
// `bySpec(a, b)` marks what differs between spec 218 and spec 424; `null` means absent there.
import { constant, item, map, optional, type PalletRow, value } from './table.ts'

/** Several calls in one. */
export const utility: PalletRow = {
  index: 11,
  crate: 'pallet_utility',
  calls: {
    batch: item(0, { calls: 'Vec<RuntimeCall>' }),
    as_derivative: item(1, { index: 'u16', call: 'RuntimeCall' }),
    batch_all: item(2, { calls: 'Vec<RuntimeCall>' }),
    force_batch: item(4, { calls: 'Vec<RuntimeCall>' }),
  },
  events: {
    BatchInterrupted: item(0, { index: 'u32', error: 'DispatchError' }),
    BatchCompleted: item(1),
    BatchCompletedWithErrors: item(2),
    ItemCompleted: item(3),
    ItemFailed: item(4, { error: 'DispatchError' }),
  },
  errors: { TooManyCalls: 0 },
  constants: { batched_calls_limit: constant('u32', 10922) },
}

/** The development account's privileged calls. */
export const sudo: PalletRow = {
  index: 12,
  crate: 'pallet_sudo',
  storage: { Key: value('AccountId32', optional) },
  calls: { sudo: item(0, { call: 'RuntimeCall' }) },
  events: { Sudid: item(0, { sudo_result: 'Result<(), DispatchError>' }) },
  errors: { RequireSudo: 0 },
}

/** Accounts of several signers. */
export const multisig: PalletRow = {
  index: 13,
  crate: 'pallet_multisig',
  storage: {
    Multisigs: map(['Twox64Concat AccountId32', 'Blake2_128Concat [u8; 32]'], 'Multisig', optional),
  },
  calls: {
    as_multi_threshold_1: item(0, { other_signatories: 'Vec<AccountId32>', call: 'RuntimeCall' }),
    as_multi: item(1, {
      threshold: 'u16',
      other_signatories: 'Vec<AccountId32>',
      maybe_timepoint: 'Option<Timepoint>',
      call: 'RuntimeCall',
      max_weight: 'Weight',
    }),
    approve_as_multi: item(2, {
      threshold: 'u16',
      other_signatories: 'Vec<AccountId32>',
      maybe_timepoint: 'Option<Timepoint>',
      call_hash: '[u8; 32]',
      max_weight: 'Weight',
    }),
    cancel_as_multi: item(3, {
      threshold: 'u16',
      other_signatories: 'Vec<AccountId32>',
      timepoint: 'Timepoint',
      call_hash: '[u8; 32]',
    }),
  },
  events: {
    NewMultisig: item(0, {
      approving: 'AccountId32',
      multisig: 'AccountId32',
      call_hash: '[u8; 32]',
    }),
    MultisigApproval: item(1, {
      approving: 'AccountId32',
      timepoint: 'Timepoint',
      multisig: 'AccountId32',
      call_hash: '[u8; 32]',
    }),
    MultisigExecuted: item(2, {
      approving: 'AccountId32',
      timepoint: 'Timepoint',
      multisig: 'AccountId32',
      call_hash: '[u8; 32]',
      result: 'Result<(), DispatchError>',
    }),
    MultisigCancelled: item(3, {
      cancelling: 'AccountId32',
      timepoint: 'Timepoint',
      multisig: 'AccountId32',
      call_hash: '[u8; 32]',
    }),
  },
  errors: {
    MinimumThreshold: 0,
    AlreadyApproved: 1,
    NoApprovalsNeeded: 2,
    TooFewSignatories: 3,
    TooManySignatories: 4,
    SignatoriesOutOfOrder: 5,
    SenderInSignatories: 6,
    NotFound: 7,
    NotOwner: 8,
    NoTimepoint: 9,
    WrongTimepoint: 10,
    UnexpectedTimepoint: 11,
    MaxWeightTooLow: 12,
    AlreadyStored: 13,
  },
  constants: {
    DepositBase: constant('u64', 132_000_000),
    DepositFactor: constant('u64', 32_000_000),
    MaxSignatories: constant('u32', 100),
  },
}
