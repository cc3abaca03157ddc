import type { BlockRef } from '../../chain/block-ref.ts'
import type { Config } from '../config.ts'
import { type Column, createOutput, type Output } from '../output.ts'
import type { OwnWeights } from '../own-weights.ts'
import { watchHeads } from '../watch-heads.ts'
import {
  type TimelockedRow,
  type WeightRow,
  type WeightsView,
  weightsView,
} from '../weights-view.ts'
import { type OpenChain, withChain } from '../with-chain.ts'
import type { CommandContext, Run } from './command.ts'

/** Lists the weights that validators have set, and how the wallet's own stand; with `--watch`, at each final block. */
export const chainWeights: Run = (context) =>
  withChain(context, async (open) => {
    if (context.config.watch) await watchWeights(open, context)
    else await showAt(open, context, await open.chain.head())
    return 0
  })

/**
 * Shows the weights at each final block until the command is stopped, and says when the chain goes away and comes back.
 * @param silenceMs without a block for so long, the chain is asked whether it is there; 30 s unless told
 */
export function watchWeights(
  open: OpenChain,
  context: CommandContext,
  silenceMs?: number,
): Promise<void> {
  const output = createOutput(context.terminal, context.config)
  let isAway = false
  const lost = (reason: string): void => {
    isAway = true
    output.note(`the chain does not answer, it is tried again: ${reason}`)
  }
  const shown = async (head: BlockRef): Promise<void> => {
    if (isAway) output.note('the chain answers again')
    isAway = false
    output.note(`block ${head.number}`)
    await showAt(open, context, head)
  }
  return watchHeads(open.chain, { show: shown, lost }, context.signal, silenceMs)
}

async function showAt(open: OpenChain, context: CommandContext, head: BlockRef): Promise<void> {
  const { config, terminal } = context
  show(
    createOutput(terminal, config),
    config,
    await weightsView(open, config, head),
    open.net.netuid,
  )
}

const MECHANISM: Column<WeightRow> = {
  title: 'MECHANISM',
  value: ({ mechanism }) => mechanism,
  align: 'right',
}

function show(output: Output, { json }: Config, view: WeightsView, netuid: number) {
  if (json) return output.event(view, () => '')
  const several = view.items.some(({ mechanism }) => mechanism > 0)
  output.list(view.items, {
    id: ({ validatorUid, uid, weight }) => `${validatorUid} ${uid} ${weight}`,
    none: `no validator of subnet ${netuid} has set weights yet`,
    columns: [
      ...(several ? [MECHANISM] : []),
      { title: 'VALIDATOR', value: ({ validatorUid }) => validatorUid, align: 'right' },
      { title: 'UID', value: ({ uid }) => uid, align: 'right' },
      { title: 'WEIGHT', value: ({ weight }) => weight, align: 'right' },
      { title: 'HOTKEY', value: ({ hotkey }) => hotkey, shrinks: true },
    ],
  })
  for (const line of timelockedLines(view.timelocked)) output.note(line)
  if (view.mine !== null) for (const line of ownLines(view.mine, view.block)) output.note(line)
}

/** Who has hidden weights on chain, and when they open, in sentences. */
export const timelockedLines = (rows: readonly TimelockedRow[]): string[] =>
  rows.map(({ hotkey, own, committedAtBlock, round, opensAtBlock, closesAtBlock }) => {
    const whose = own ? `own weights of ${hotkey}` : `weights of ${hotkey}`
    const when =
      opensAtBlock < closesAtBlock
        ? `the chain opens them at about block ${opensAtBlock}`
        : `their pulse comes after block ${closesAtBlock}: they will be lost`
    return `${whose}, timelocked at block ${committedAtBlock} to round ${round}: ${when}`
  })

/** How one's own weights stand, in sentences. */
export function ownLines(mine: OwnWeights, block: number): string[] {
  const { epoch, refusal } = mine
  const minutes = epoch.minutesLeft === null ? '' : ` (about ${epoch.minutesLeft} min)`
  const set =
    mine.setAtBlock === null ? 'never set' : `last set or committed at block ${mine.setAtBlock}`
  const commits = mine.commits.map(({ state, opensAtBlock, closesAtBlock }) =>
    state === 'expired'
      ? `a commit was not revealed before block ${closesAtBlock}: it is lost`
      : `a commit is to be revealed from block ${opensAtBlock} until before ${closesAtBlock}`,
  )
  const retry = refusal?.retryAtBlock ?? null
  const when = retry === null ? '' : `; again at block ${retry}`
  return [
    `own weights of ${mine.hotkey}: ${set}, ${wayText[mine.way]}`,
    ...commits,
    `epoch ${epoch.index} ends at block ${epoch.endsAtBlock}, in ${epoch.blocksLeft} of ${epoch.tempo} blocks${minutes}; now ${block}`,
    refusal === null
      ? 'weights can be set now'
      : `weights cannot be set now: ${refusal.message} (${refusal.reason})${when}`,
  ]
}

const wayText = {
  direct: 'openly',
  hash: 'as a hash that is revealed later',
  timelock: 'encrypted until a round of the beacon',
} as const
