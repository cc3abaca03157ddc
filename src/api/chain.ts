import { z } from 'zod'
import { address, decimal, listOf, peerId, whole } from './common.ts'
import { route } from './route.ts'

/** Why the chain takes no weights now. */
const weightRefusals = [
  'UNREGISTERED',
  'LOW_STAKE',
  'NO_PERMIT',
  'RATE_LIMIT',
  'TOO_MANY_COMMITS',
  'BAD_ROW',
] as const

/** One hotkey that is registered in the subnet. */
export const neuron = z.strictObject({
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

/** What one account holds, free and staked in the subnet. */
export const balance = z.strictObject({
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

/** One hotkey that may be staked on. */
export const delegate = z.strictObject({
  uid: whole,
  ...delegateHead,
  nominators: whole,
})

const nominator = z.strictObject({
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

/** One hotkey, and who staked on it. */
export const oneDelegate = z.strictObject({
  ...delegateHead,
  block: whole,
  items: z.array(nominator).describe('the most first'),
})

const weight = z.strictObject({
  mechanism: whole.describe('which of the matrices of the subnet'),
  validatorUid: whole,
  validator: address,
  uid: whole,
  hotkey: address,
  weight: whole.describe('of 65535'),
})

const ownWeights = z.strictObject({
  hotkey: address,
  uid: whole.nullable(),
  way: z.enum(['direct', 'hash', 'timelock']).describe('how this subnet takes weights'),
  setAtBlock: whole.nullable().describe('the last weights or commit, or the registration'),
  commits: z
    .array(
      z.strictObject({
        hash: z.string(),
        state: z.enum(['early', 'open', 'expired']),
        opensAtBlock: z.number().int(),
        closesAtBlock: z.number().int().describe('the first block that is too late'),
      }),
    )
    .describe('what is on chain and not revealed'),
  epoch: z.strictObject({
    index: whole,
    tempo: whole,
    endsAtBlock: whole,
    blocksLeft: whole,
    minutesLeft: z.number().nullable().describe('null on local networks'),
  }),
  refusal: z
    .strictObject({
      reason: z.enum(weightRefusals),
      message: z.string(),
      retryAtBlock: whole.nullable(),
    })
    .nullable()
    .describe('why nothing can be set now'),
})

/** The weights that validators have set, and how our own stand. */
export const weightsSchema = z.strictObject({
  block: whole.describe('the newest final one'),
  items: z.array(weight),
  timelocked: z
    .array(
      z.strictObject({
        hotkey: address,
        own: z.boolean().describe("of the wallet's hotkey"),
        committedAtBlock: whole,
        round: whole.describe('of the beacon, whose pulse opens them'),
        opensAtBlock: whole.describe('at about which the chain opens them'),
        closesAtBlock: whole.describe('the first block that is too late'),
      }),
    )
    .describe('weights that nobody can read yet'),
  mine: ownWeights.nullable().describe("of the wallet's hotkey; null without a wallet"),
})

const asked = 'read at the newest final block'

export const chainRoutes = {
  listNeurons: route({
    method: 'GET',
    path: '/v1/chain/metagraph',
    scope: 'read',
    kind: 'json',
    summary: `Who is registered in the subnet, ${asked}`,
    answer: z.strictObject({ block: whole, items: z.array(neuron) }),
  }),
  listWeights: route({
    method: 'GET',
    path: '/v1/chain/weights',
    scope: 'read',
    kind: 'json',
    summary: `The weights that validators have set, and how this node's own stand, ${asked}`,
    answer: weightsSchema,
  }),
  listBalances: route({
    method: 'GET',
    path: '/v1/chain/balances',
    scope: 'read',
    kind: 'json',
    summary: 'What accounts hold, free and staked in the subnet',
    description:
      "What accounts that are named hold is public. Without a name it is the wallet's coldkey, and that takes `rent`: whoever only looks learns neither whose wallet it is nor what is in it.",
    query: z.strictObject({
      address: z
        .string()
        .max(1000)
        .optional()
        .describe(
          "SS58 addresses, separated by commas; absent: the wallet's coldkey, with the scope rent",
        ),
    }),
    answer: listOf(balance),
  }),
  listDelegates: route({
    method: 'GET',
    path: '/v1/chain/delegates',
    scope: 'read',
    kind: 'json',
    summary: 'Hotkeys of the subnet that may be staked on, the most staked first',
    answer: listOf(delegate),
  }),
  getDelegate: route({
    method: 'GET',
    path: '/v1/chain/delegates/:hotkey',
    scope: 'read',
    kind: 'json',
    summary: 'Who staked on one hotkey, and what the last epoch gave them',
    params: z.object({ hotkey: address.max(64) }),
    answer: oneDelegate,
  }),
}
