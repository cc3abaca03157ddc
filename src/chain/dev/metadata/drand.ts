// The part of the subtensor runtime that this project uses, as facts: indices, names, types, hashers, defaults.
// Spec 218 has no such pallet.
import { map, optional, otherwise, type PalletRow, struct, type Table, value } from './table.ts'

const QUICKNET_KEY =
  '0x83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a'

/** Types that are drand's alone. */
export const drandTypes: Table['types'] = {
  Pulse: struct('pallet_drand::types::Pulse', {
    round: 'u64',
    randomness: 'Vec<u8>',
    signature: 'Vec<u8>',
  }),
  BeaconConfiguration: struct('pallet_drand::types::BeaconConfiguration', {
    public_key: 'Vec<u8>',
    period: 'u32',
    genesis_time: 'u32',
    hash: 'Vec<u8>',
    group_hash: 'Vec<u8>',
    scheme_id: 'Vec<u8>',
    metadata: 'BeaconMetadata',
  }),
  BeaconMetadata: struct('pallet_drand::types::Metadata', { beacon_id: 'Vec<u8>' }),
}

/** The beacon's pulses that the chain has, and whose they are; before another is written, quicknet's. */
export const drand: PalletRow = {
  index: 26,
  crate: 'pallet_drand',
  storage: {
    BeaconConfig: value(
      'BeaconConfiguration',
      otherwise({
        publicKey: QUICKNET_KEY,
        period: 3,
        genesisTime: 1_692_803_367,
        hash: '0x52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971',
        groupHash: '0xf477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e',
        schemeId: '0x626c732d756e636861696e65642d67312d72666339333830',
        metadata: { beaconId: '0x717569636b6e6574' },
      }),
    ),
    Pulses: map(['Blake2_128Concat u64'], 'Pulse', optional),
    LastStoredRound: value('u64'),
    OldestStoredRound: value('u64'),
  },
}
