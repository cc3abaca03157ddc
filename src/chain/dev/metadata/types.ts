// The part of the subtensor runtime that this project uses, as facts: indices, names, types, hashers, defaults.
// `bySpec(a, b)` marks what differs between spec 218 and spec 424; `null` means absent there.
import { bySpec, choice, enumeration, type Item, item, struct, type Table } from './table.ts'

const numbered = (from: number, to: number, row: (n: number) => [string, Item]) =>
  Object.fromEntries(Array.from({ length: to - from + 1 }, (_, offset) => row(from + offset)))

// Paths are spelled as the runtime spells them. polkadot.js breaks without those marked [path] (measured); the rest only give it names.
/** Every named type of the subset. */
export const types: Table['types'] = {
  AccountId32: struct('sp_core::crypto::AccountId32', ['[u8; 32]']), // [path] SS58 text
  H256: struct('primitive_types::H256', ['[u8; 32]']),
  MultiAddress: enumeration(
    'sp_runtime::multiaddress::MultiAddress',
    {
      // [path, params] accepts a plain address
      Id: item(0, ['AccountId32']),
      Index: item(1, ['Compact<()>']),
      Raw: item(2, ['Vec<u8>']),
      Address32: item(3, ['[u8; 32]']),
      Address20: item(4, ['[u8; 20]']),
    },
    { AccountId: 'AccountId32', AccountIndex: '()' },
  ),
  MultiSignature: enumeration('sp_runtime::MultiSignature', {
    Ed25519: item(0, ['[u8; 64]']),
    Sr25519: item(1, ['[u8; 64]']),
    Ecdsa: item(2, ['[u8; 65]']),
  }),
  Era: enumeration('sp_runtime::generic::era::Era', {
    Immortal: item(0),
    ...numbered(1, 255, (n) => [`Mortal${n}`, item(n, ['u8'])]),
  }),
  // [path, params] gives Address, Call and Signature; needed for Call unless the outer enum is `*_runtime::RuntimeCall`, as it is here.
  UncheckedExtrinsic: struct(
    'sp_runtime::generic::unchecked_extrinsic::UncheckedExtrinsic',
    ['Vec<u8>'],
    {
      Address: 'MultiAddress',
      Call: 'RuntimeCall',
      Signature: 'MultiSignature',
      Extra: 'Extensions',
    },
  ),
  // [path, params] the first parameter gives Event; likewise.
  EventRecord: struct(
    'frame_system::EventRecord',
    { phase: 'Phase', event: 'RuntimeEvent', topics: 'Vec<H256>' },
    { E: 'RuntimeEvent', T: 'H256' },
  ),
  Phase: enumeration('frame_system::Phase', {
    ApplyExtrinsic: item(0, ['u32']),
    Finalization: item(1),
    Initialization: item(2),
  }),

  Weight: struct('sp_weights::weight_v2::Weight', {
    ref_time: 'Compact<u64>',
    proof_size: 'Compact<u64>',
  }),
  DispatchClass: choice(
    'frame_support::dispatch::DispatchClass',
    'Normal',
    'Operational',
    'Mandatory',
  ),
  Pays: choice('frame_support::dispatch::Pays', 'Yes', 'No'),
  DispatchInfo: struct(
    bySpec('frame_support::dispatch::DispatchInfo', 'frame_system::DispatchEventInfo'),
    { weight: 'Weight', class: 'DispatchClass', pays_fee: 'Pays' },
  ),
  DispatchError: enumeration('sp_runtime::DispatchError', {
    Other: item(0),
    CannotLookup: item(1),
    BadOrigin: item(2),
    Module: item(3, ['ModuleError']),
    ConsumerRemaining: item(4),
    NoProviders: item(5),
    TooManyConsumers: item(6),
    Token: item(7, ['TokenError']),
    Arithmetic: item(8, ['ArithmeticError']),
    Transactional: item(9, ['TransactionalError']),
    Exhausted: item(10),
    Corruption: item(11),
    Unavailable: item(12),
    RootNotAllowed: item(13),
  }),
  ModuleError: struct('sp_runtime::ModuleError', { index: 'u8', error: '[u8; 4]' }),
  TokenError: choice(
    'sp_runtime::TokenError',
    'FundsUnavailable',
    'OnlyProvider',
    'BelowMinimum',
    'CannotCreate',
    'UnknownAsset',
    'Frozen',
    'Unsupported',
    'CannotCreateHold',
    'NotExpendable',
    'Blocked',
  ),
  ArithmeticError: choice(
    'sp_arithmetic::ArithmeticError',
    'Underflow',
    'Overflow',
    'DivisionByZero',
  ),
  TransactionalError: choice('sp_runtime::TransactionalError', 'LimitReached', 'NoLayer'),
  CheckMetadataHash: struct('frame_metadata_hash_extension::CheckMetadataHash', {
    mode: 'MetadataHashMode',
  }),
  MetadataHashMode: choice('frame_metadata_hash_extension::Mode', 'Disabled', 'Enabled'),

  AccountInfo: struct(
    'frame_system::AccountInfo',
    { nonce: 'u32', consumers: 'u32', providers: 'u32', sufficients: 'u32', data: 'AccountData' },
    { Nonce: 'u32', AccountData: 'AccountData' },
  ),
  AccountData: struct(
    'pallet_balances::types::AccountData',
    { free: 'u64', reserved: 'u64', frozen: 'u64', flags: 'u128' },
    { Balance: 'u64' },
  ),
  RuntimeVersion: struct('sp_version::RuntimeVersion', {
    spec_name: 'str',
    impl_name: 'str',
    authoring_version: 'u32',
    spec_version: 'u32',
    impl_version: 'u32',
    apis: 'Vec<([u8; 8], u32)>',
    transaction_version: 'u32',
    state_version: bySpec('u8', null),
    system_version: bySpec(null, 'u8'),
  }),
  RuntimeDbWeight: struct('sp_weights::RuntimeDbWeight', { read: 'u64', write: 'u64' }),

  Timepoint: struct(
    'pallet_multisig::Timepoint',
    { height: 'u32', index: 'u32' },
    { BlockNumber: 'u32' },
  ),
  Multisig: struct('pallet_multisig::Multisig', {
    when: 'Timepoint',
    deposit: 'u64',
    depositor: 'AccountId32',
    approvals: 'Vec<AccountId32>',
  }),

  AxonInfo: struct('pallet_subtensor::pallet::AxonInfo', {
    block: 'u64',
    version: 'u32',
    ip: 'u128',
    port: 'u16',
    ip_type: 'u8',
    protocol: 'u8',
    placeholder1: 'u8',
    placeholder2: 'u8',
  }),
  NeuronCertificate: struct('pallet_subtensor::pallet::NeuronCertificate', {
    public_key: 'Vec<u8>',
    algorithm: 'u8',
  }),
  RateLimitKey: bySpec(
    null,
    enumeration(
      'pallet_subtensor::pallet::RateLimitKey',
      { LastTxBlockDelegateTake: item(5, ['AccountId32']) },
      { AccountId: 'AccountId32' },
    ),
  ),
  // mantissa * 10^exponent
  SafeFloat: bySpec(null, struct('safe_float::SafeFloat', { mantissa: 'u128', exponent: 'i64' })),

  CommitmentData: enumeration('pallet_commitments::types::Data', {
    None: item(0),
    ...numbered(0, 128, (length) => [`Raw${length}`, item(length + 1, [`[u8; ${length}]`])]),
    BlakeTwo256: item(130, ['[u8; 32]']),
    Sha256: item(131, ['[u8; 32]']),
    Keccak256: item(132, ['[u8; 32]']),
    ShaThree256: item(133, ['[u8; 32]']),
    TimelockEncrypted: bySpec(null, item(134, { encrypted: 'Vec<u8>', reveal_round: 'u64' })),
    ResetBondsFlag: bySpec(null, item(135)),
    BigRaw: bySpec(null, item(136, ['Vec<u8>'])),
  }),
  CommitmentInfo: struct('pallet_commitments::types::CommitmentInfo', {
    fields: 'Vec<CommitmentData>',
  }),
  Registration: struct('pallet_commitments::types::Registration', {
    deposit: 'u64',
    block: 'u32',
    info: 'CommitmentInfo',
  }),
}
