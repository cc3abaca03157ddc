// The part of the subtensor runtime that this project uses, as facts: indices, names, types, hashers, defaults.
// `bySpec(a, b)` marks what differs between spec 218 and spec 424; `null` means absent there.
import { bySpec, constant, item, map, optional, type PalletRow } from './table.ts'

/** Bytes that a hotkey anchors in a subnet. */
export const commitments: PalletRow = {
  index: 18,
  crate: 'pallet_commitments',
  storage: {
    CommitmentOf: map(['Identity u16', 'Twox64Concat AccountId32'], 'Registration', optional),
    LastCommitment: map(['Identity u16', 'Twox64Concat AccountId32'], 'u32', optional),
  },
  calls: { set_commitment: item(0, { netuid: 'u16', info: 'CommitmentInfo' }) },
  events: { Commitment: item(0, { netuid: 'u16', who: 'AccountId32' }) },
  errors: {
    TooManyFieldsInCommitmentInfo: 0,
    AccountNotAllowedCommit: 1,
    CommitmentSetRateLimitExceeded: bySpec(2, null),
    SpaceLimitExceeded: bySpec(null, 2),
  },
  constants: {
    MaxFields: constant('u32', bySpec(1, 3)),
    RateLimit: bySpec(constant('u32', 100), null),
  },
}

/** Hyperparameters, through sudo alone. */
export const adminUtils: PalletRow = {
  index: 19,
  crate: 'pallet_admin_utils',
  calls: {
    sudo_set_serving_rate_limit: item(3, { netuid: 'u16', serving_rate_limit: 'u64' }),
    sudo_set_weights_version_key: item(6, { netuid: 'u16', weights_version_key: 'u64' }),
    sudo_set_weights_set_rate_limit: item(7, { netuid: 'u16', weights_set_rate_limit: 'u64' }),
    sudo_set_max_weight_limit: bySpec(item(12, { netuid: 'u16', max_weight_limit: 'u16' }), null),
    sudo_set_min_allowed_weights: item(14, { netuid: 'u16', min_allowed_weights: 'u16' }),
    sudo_set_kappa: item(16, { netuid: 'u16', kappa: 'u16' }),
    sudo_set_max_allowed_validators: item(25, { netuid: 'u16', max_allowed_validators: 'u16' }),
    sudo_set_bonds_moving_average: item(26, { netuid: 'u16', bonds_moving_average: 'u64' }),
    sudo_set_tempo: item(30, { netuid: 'u16', tempo: 'u16' }),
    sudo_set_weights_min_stake: bySpec(item(42, { min_stake: 'u64' }), null),
    sudo_set_stake_threshold: bySpec(null, item(42, { min_stake: 'u64' })),
    sudo_set_commit_reveal_weights_enabled: item(49, { netuid: 'u16', enabled: 'bool' }),
    sudo_set_liquid_alpha_enabled: item(50, { netuid: 'u16', enabled: 'bool' }),
    sudo_set_commit_reveal_weights_interval: item(57, { netuid: 'u16', interval: 'u64' }),
    sudo_set_bonds_penalty: bySpec(null, item(60, { netuid: 'u16', bonds_penalty: 'u16' })),
    sudo_set_alpha_sigmoid_steepness: bySpec(null, item(68, { netuid: 'u16', steepness: 'i16' })),
    sudo_set_commit_reveal_version: bySpec(null, item(71, { version: 'u16' })),
    sudo_set_yuma3_enabled: bySpec(null, item(69, { netuid: 'u16', enabled: 'bool' })),
  },
  errors: { SubnetDoesNotExist: 0, MaxValidatorsLargerThanMaxUIds: 1 },
}
