import { z } from 'zod'
import { address, whole } from '../../api/common.ts'
import { refusalReasons } from '../../chain/weights-refusal.ts'
import type { WeightRow, WeightsView } from '../commands/chain-weights.ts'
import type { OwnWeights } from '../own-weights.ts'

const weight: z.ZodType<WeightRow> = z.strictObject({
  mechanism: whole.describe('which of the matrices of the subnet'),
  validatorUid: whole,
  validator: address,
  uid: whole,
  hotkey: address,
  weight: whole.describe('of 65535'),
})

const ownWeights: z.ZodType<OwnWeights> = z.strictObject({
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
      reason: z.enum(refusalReasons),
      message: z.string(),
      retryAtBlock: whole.nullable(),
    })
    .nullable()
    .describe('why nothing can be set now'),
})

/** The weights that validators have set, and how our own stand. */
export const weightsSchema: z.ZodType<WeightsView> = z.strictObject({
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
