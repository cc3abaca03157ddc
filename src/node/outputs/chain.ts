import { z } from 'zod'
import { balance, delegate, neuron, oneDelegate } from '../../api/chain.ts'
import { address, decimal, listOf, whole } from '../../api/common.ts'
import type { AccountBalance } from '../account-balance.ts'
import type { EarningsResult } from '../commands/chain-earnings.ts'
import type { TransferResult } from '../commands/chain-transfer.ts'
import type { DelegateResult, DelegateRow } from '../delegate-rows.ts'
import type { EarningRow } from '../earning-rows.ts'
import type { NeuronRow } from '../neuron-rows.ts'
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

const typedNeuron: z.ZodType<NeuronRow> = neuron
const typedBalance: z.ZodType<AccountBalance> = balance
const typedDelegate: z.ZodType<DelegateRow> = delegate
const typedOne: z.ZodType<DelegateResult> = oneDelegate

const registered = z.strictObject({
  uid: whole,
  hotkey: address,
  registered: z.boolean().describe('false when it was already'),
  stake: decimal.describe('alpha'),
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
  'chain metagraph': { describe: 'a list', schema: listOf(typedNeuron) },
  'chain weights': {
    describe: 'one object; with `--watch` one line at each final block',
    schema: weightsSchema,
  },
  'chain simulate': { describe: 'the whole simulation', schema: simulationSchema },
  'chain register': { describe: 'where it stands', schema: registered },
  'chain balance': { describe: 'a list, an account each', schema: listOf(typedBalance) },
  'chain delegates': {
    describe: 'a list; with HOTKEY that one and who staked on it',
    schema: z.union([listOf(typedDelegate), typedOne]),
  },
  'chain earnings': { describe: 'what it got, by epoch and in all', schema: earnings },
  'chain transfer': { describe: 'the transfer', schema: transferred },
}
