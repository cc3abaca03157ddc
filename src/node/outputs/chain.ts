import { z } from 'zod'
import { address, decimal, listOf, peerId, whole } from '../../api/common.ts'
import type { AccountBalance } from '../commands/chain-balance.ts'
import type { DelegateResult, DelegateRow, NominatorRow } from '../commands/chain-delegates.ts'
import type { EarningsResult } from '../commands/chain-earnings.ts'
import type { NeuronRow } from '../commands/chain-metagraph.ts'
import type { TransferResult } from '../commands/chain-transfer.ts'
import type { EarningRow } from '../earning-rows.ts'
import type { Outputs } from './output.ts'
import { simulationSchema } from './simulation.ts'
import { weightsSchema } from './weights.ts'

const chainReady = z.strictObject({
  event: z.literal('ready'),
  url: z.string(),
  genesis: z.string().describe('what nodes take as --genesis'),
  stateRoot: z.string(),
  beacon: z.strictObject({
    name: z.string(),
    publicKey: z.string().describe('96 bytes in hex'),
    periodMs: whole,
    genesisMs: whole,
  }),
})

const neuron: z.ZodType<NeuronRow> = z.strictObject({
  uid: whole,
  hotkey: address,
  coldkey: address,
  stake: decimal.describe('alpha'),
  validatorPermit: z.boolean(),
  active: z.boolean(),
  validates: z.boolean().describe('with permit and stake: its testimony may count'),
  lastUpdate: whole.describe('block'),
  registeredAt: whole.describe('block'),
  incentive: whole.describe('of 65535'),
  dividends: whole.describe('of 65535'),
  emission: decimal.describe('alpha in the last epoch'),
  boundAt: whole.nullable().describe('block of its commitment'),
  peers: z.array(peerId).nullable().describe('bound PeerIds; null when no node runs here'),
})

const registered = z.strictObject({
  uid: whole,
  hotkey: address,
  registered: z.boolean().describe('false when it was already'),
  stake: decimal.describe('alpha'),
})

const balance: z.ZodType<AccountBalance> = z.strictObject({
  address,
  free: decimal.describe('TAO'),
  reserved: decimal.describe('TAO of deposits'),
  hotkeys: z
    .array(
      z.strictObject({
        uid: whole.nullable().describe('null when it is not registered in this subnet'),
        hotkey: address,
        owned: z.boolean().describe('registered by this account'),
        stake: decimal.describe('alpha on it in this subnet, whoever staked it'),
        own: decimal.describe("this account's part of that"),
      }),
    )
    .describe('its hotkeys in this subnet, and all others that it staked on'),
})

const delegateHead = {
  hotkey: address,
  owner: address.nullable(),
  take: z.string().describe('what the owner keeps of dividends, in percent'),
  stake: decimal.describe('alpha'),
  shared: decimal
    .nullable()
    .describe('alpha of the last epoch for all nominators, after the take; null where not kept'),
}

const delegate: z.ZodType<DelegateRow> = z.strictObject({
  uid: whole,
  ...delegateHead,
  nominators: whole,
})

const nominator: z.ZodType<NominatorRow> = z.strictObject({
  coldkey: address,
  owner: z.boolean(),
  stake: decimal.describe('alpha'),
  share: z.string().describe('of all stake on the hotkey, in percent'),
  earned: decimal.nullable().describe('alpha of the last epoch, without the take'),
  recorded: z
    .strictObject({
      total: decimal.describe('alpha'),
      epochs: z.array(z.strictObject({ epoch: whole, earned: decimal })).describe('oldest first'),
    })
    .nullable()
    .describe('what the node of this data folder wrote down, of the newest 1000 epochs'),
})

const oneDelegate: z.ZodType<DelegateResult> = z.strictObject({
  ...delegateHead,
  block: whole,
  items: z.array(nominator).describe('the most first'),
})

const earning: z.ZodType<EarningRow> = z.strictObject({
  epoch: whole,
  block: whole.nullable().describe('at which it fired'),
  state: z
    .enum(['read', 'unregistered', 'discarded'])
    .describe('discarded: neither the endpoint nor a record here has it'),
  source: z.enum(['chain', 'record']).nullable().describe('where it was read'),
  uid: whole.nullable(),
  emission: decimal.nullable().describe('alpha of this epoch'),
  incentive: whole.nullable().describe('of 65535, in mechanism 0'),
  incentives: z.array(whole).nullable().describe('of 65535, in each mechanism of the subnet'),
  dividends: whole.nullable().describe('of 65535'),
  stake: decimal.nullable().describe('alpha on it, whoever staked it'),
  price: decimal.nullable().describe('TAO for one alpha; null where the chain tells none'),
})

const earnings: z.ZodType<EarningsResult> = z.strictObject({
  hotkey: address,
  items: z.array(earning).describe('oldest first'),
  total: z.strictObject({
    epochs: whole.describe('epochs asked for that there have been'),
    read: whole,
    unregistered: whole,
    unknown: whole.describe('of which nobody here knows'),
    emission: decimal.describe('alpha'),
    worth: decimal
      .nullable()
      .describe('TAO, each at the price of its epoch; null where a price is missing'),
  }),
})

const transferred: z.ZodType<TransferResult> = z.strictObject({
  from: address,
  to: address,
  amount: decimal.describe('TAO'),
  block: whole.describe('the final block that it stands in'),
  blockHash: z.string(),
  left: decimal.describe('TAO, free'),
})

/** What `chain` prints, but for `chain bind`. */
export const chainOutputs: Outputs = {
  'chain dev': { describe: 'first line, once it answers', schema: chainReady },
  'chain metagraph': { describe: 'a list', schema: listOf(neuron) },
  'chain weights': {
    describe: 'one object; with `--watch` one line at each final block',
    schema: weightsSchema,
  },
  'chain simulate': { describe: 'the whole simulation', schema: simulationSchema },
  'chain register': { describe: 'where it stands', schema: registered },
  'chain balance': { describe: 'a list, an account each', schema: listOf(balance) },
  'chain delegates': {
    describe: 'a list; with HOTKEY that one and who staked on it',
    schema: z.union([listOf(delegate), oneDelegate]),
  },
  'chain earnings': { describe: 'what it got, by epoch and in all', schema: earnings },
  'chain transfer': { describe: 'the transfer', schema: transferred },
}
