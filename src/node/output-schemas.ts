import { z } from 'zod'
import { anchorOutputs } from './outputs/anchor.ts'
import { bindOutputs } from './outputs/bind.ts'
import { chainOutputs } from './outputs/chain.ts'
import { gpuOutputs } from './outputs/gpu.ts'
import { leaseOutputs } from './outputs/lease.ts'
import { machineOutputs } from './outputs/machine.ts'
import { marketOutputs } from './outputs/market.ts'
import { nodeOutputs } from './outputs/node.ts'
import type { Outputs } from './outputs/output.ts'
import { queueOutputs } from './outputs/queue.ts'
import { rentOutputs } from './outputs/rent.ts'
import { scoreOutputs } from './outputs/score.ts'
import { tokenOutputs } from './outputs/token.ts'
import { walletOutputs } from './outputs/wallet.ts'

/** What every failed command prints last, on stdout, with `--json`. */
export const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.string().describe('names the party at fault first, e.g. BAD_CONFIG_LOCKED'),
    message: z.string(),
    next: z.string().optional().describe('the next step to take'),
  }),
})

/**
 * By command (`rent` has several forms), in the order of docs/cli.md; the unnamed one is the node. Commands that are
 * absent print text or a tenant's bytes alone.
 */
export const outputSchemas: Outputs = {
  ...nodeOutputs,
  ...marketOutputs,
  ...chainOutputs,
  ...anchorOutputs,
  ...bindOutputs,
  ...walletOutputs,
  ...rentOutputs,
  ...queueOutputs,
  ...leaseOutputs,
  ...scoreOutputs,
  ...gpuOutputs,
  ...tokenOutputs,
  ...machineOutputs,
}

/** Commands whose stdout is not theirs to shape. */
export const plainCommands: readonly string[] = [
  'completion',
  'exec',
  'logs',
  'proxy',
  'shell',
  'ssh',
]
