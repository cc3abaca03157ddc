// The part of the subtensor runtime that this project uses, as facts: indices, names, types, hashers, defaults.
// `bySpec(a, b)` marks what differs between spec 218 and spec 424; `null` means absent there.
import { adminUtils, commitments } from './commitments.ts'
import { drand, drandTypes } from './drand.ts'
import { subtensorModule } from './subtensor.ts'
import { balances, system, timestamp, transactionPayment } from './system.ts'
import { bySpec, type Table } from './table.ts'
import { types } from './types.ts'
import { multisig, sudo, utility } from './utilities.ts'

const pallets: Table['pallets'] = {
  System: system,
  Timestamp: timestamp,
  Balances: balances,
  TransactionPayment: transactionPayment,
  SubtensorModule: subtensorModule,
  Utility: utility,
  Sudo: sudo,
  Multisig: multisig,
  Commitments: commitments,
  AdminUtils: adminUtils,
  Drand: bySpec(null, drand),
}

const nothing = { inExtrinsic: '()', signedOnly: '()' }

// In this order. polkadot.js knows them by name, not by type; it warns about the chain's own ones and treats them as empty, which they are.
const extensions: Table['extensions'] = {
  CheckNonZeroSender: nothing,
  CheckSpecVersion: { inExtrinsic: '()', signedOnly: 'u32' },
  CheckTxVersion: { inExtrinsic: '()', signedOnly: 'u32' },
  CheckGenesis: { inExtrinsic: '()', signedOnly: 'H256' },
  CheckMortality: { inExtrinsic: 'Era', signedOnly: 'H256' },
  CheckNonce: { inExtrinsic: 'Compact<u32>', signedOnly: '()' },
  CheckWeight: nothing,
  ChargeTransactionPayment: { inExtrinsic: 'Compact<u64>', signedOnly: '()' },
  SubtensorSignedExtension: bySpec(nothing, null),
  CommitmentsSignedExtension: bySpec(nothing, null),
  SudoTransactionExtension: bySpec(null, nothing),
  CheckShieldedTxValidity: bySpec(null, nothing),
  SubtensorTransactionExtension: bySpec(null, nothing),
  DrandPriority: bySpec(null, nothing),
  CheckMetadataHash: { inExtrinsic: 'CheckMetadataHash', signedOnly: 'Option<[u8; 32]>' },
}

/** The whole table; `buildMetadata` turns it into what a Substrate node serves. */
export const subset: Table = { types: { ...types, ...drandTypes }, pallets, extensions }
