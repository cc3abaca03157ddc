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

const uid = z.int().min(0).max(65_535)
const alpha = z.string().regex(/^\d{1,9}(\.\d{1,9})?$/, 'expected an amount such as 12.5')
const of65535 = whole.describe('of 65535')

/** What shall be otherwise in the next epochs of the subnet. */
const simulationAsked = z.strictObject({
  epochs: z.int().min(1).max(1000).default(1).describe('one after another'),
  weights: z
    .array(z.strictObject({ from: uid, to: uid, value: uid }))
    .max(10_000)
    .default([])
    .describe("one validator's weight for one uid, of 65535; 0 takes it away"),
  stakes: z
    .array(z.strictObject({ uid, stake: alpha }))
    .max(4096)
    .default([])
    .describe('alpha that counts for a uid'),
  kappa: z.number().min(0).max(1).optional().describe('share of stake that must support a weight'),
  yuma: z.union([z.literal(2), z.literal(3)]).optional(),
  emission: alpha.optional().describe('alpha that an epoch shares out'),
  cabal: z
    .strictObject({ validators: z.array(uid).min(1).max(256), miner: uid })
    .optional()
    .describe('validators that give all to one miner'),
  copier: uid.optional().describe("a validator that copies the others' consensus"),
  commitReveal: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe("epochs that weights stay hidden; absent: as the subnet's"),
  driftPercent: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .describe('how far what miners are worth moves in an epoch'),
})

const earned = {
  validatorTrust: of65535,
  incentive: of65535,
  dividends: of65535,
  emission: decimal.describe('alpha of the last epoch'),
  total: decimal.describe('alpha of all epochs'),
}

/** The next epochs of a subnet. */
export const simulation = z
  .strictObject({
    block: whole.describe('of the first epoch'),
    epochs: whole,
    yuma: z.union([z.literal(2), z.literal(3)]),
    commitReveal: whole.describe('epochs for which weights are hidden'),
    emission: decimal.describe('alpha that an epoch shares out'),
    items: z.array(
      z.strictObject({
        uid: whole,
        hotkey: z.string(),
        stake: decimal.describe('alpha that counts'),
        validatorPermit: z.boolean().describe('has a seat after the last epoch'),
        active: z.boolean(),
        consensus: of65535,
        ...earned,
        bonds: z.array(z.tuple([whole, of65535])).describe('miner and bond'),
        course: z.array(decimal).describe('alpha of each epoch'),
        before: z
          .strictObject(earned)
          .nullable()
          .describe('without what was asked to be otherwise; null where nothing was'),
      }),
    ),
  })
  .meta({ id: 'Simulation', description: 'The next epochs of a subnet' })

/** Whom a hotkey binds. */
export const hotkeyBindings = z.strictObject({
  hotkey: address,
  block: whole.describe('the newest final one'),
  committed: z.boolean().describe('whether the chain holds a commitment of this hotkey'),
  complete: z
    .boolean()
    .describe(
      'true: these are all, by the sheet whose root the chain holds. false: that sheet is not on this machine, and these are those whose records this node knows',
    ),
  items: z.array(
    z.strictObject({
      peerId,
      seq: whole.nullable().describe('null where only its record is known'),
      expiresAtBlock: whole,
      expired: z.boolean(),
    }),
  ),
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
  listHotkeyBindings: route({
    method: 'GET',
    path: '/v1/chain/bindings/:hotkey',
    scope: 'read',
    kind: 'json',
    summary: `Whom a hotkey binds, ${asked}`,
    description: 'By its address alone: no wallet is opened, and nobody is asked for a password.',
    params: z.object({ hotkey: address.max(64) }),
    answer: hotkeyBindings,
  }),
  simulate: route({
    method: 'POST',
    path: '/v1/chain/simulate',
    scope: 'read',
    kind: 'json',
    summary: 'What the next epochs would pay everybody, by the weights that stand or by others',
    description:
      'Computed beside the node, nothing is sent. BAD_CONFIG_UID for a uid that is not there; CHAIN_EMPTY_SUBNET where nobody is registered; REFUSED_BUSY (429) while others are computed.',
    body: simulationAsked,
    answer: simulation,
  }),
}
