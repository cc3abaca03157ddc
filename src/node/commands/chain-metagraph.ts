import type { BindingsAnswer } from '../../api/network.ts'
import type { BlockRef } from '../../chain/block-ref.ts'
import { type NeuronRow, neuronRows } from '../neuron-rows.ts'
import { createOutput, type ListView } from '../output.ts'
import { askMiner } from '../own-devices.ts'
import { filterRows, orderRows } from '../row-query.ts'
import { type HeadWatcher, watchHeads } from '../watch-heads.ts'
import { type OpenChain, withChain } from '../with-chain.ts'
import type { CommandContext, Run } from './command.ts'

const FIELDS = [
  'uid',
  'hotkey',
  'coldkey',
  'stake',
  'validatorPermit',
  'active',
  'validates',
  'lastUpdate',
  'registeredAt',
  'incentive',
  'dividends',
  'emission',
  'boundAt',
] as const satisfies readonly (keyof NeuronRow)[]

/** Lists who is registered in the subnet at the newest final block; with `--watch`, at each one until Ctrl-C. */
export const chainMetagraph: Run = (context) =>
  withChain(context, async (open) => {
    if (context.config.watch) return watch(context, open)
    const rows = await show(context, open, await open.chain.head())
    return rows === 0 && context.args.length > 0 ? 3 : 0
  })

/** Drawn again on a terminal, below each other in a pipe, a line for each hotkey as JSON; a lost chain is waited for. */
async function watch(context: CommandContext, open: OpenChain): Promise<number> {
  const { config, terminal, signal } = context
  const out = createOutput(terminal, config)
  const watcher: HeadWatcher = {
    show: (head) => show(context, open, head, () => redrawn(context)).then(() => undefined),
    lost: (reason) => out.note(`the chain does not answer: ${reason}`),
  }
  await watchHeads(open.chain, watcher, signal)
  return 0
}

/** The whole screen is cleared, for a table may have fewer lines than the one before. */
function redrawn({ config, terminal }: CommandContext): void {
  if (terminal.stdout.isTTY === true && !config.json && !config.quiet)
    terminal.stdout.write('\u001b[H\u001b[2J')
}

/** Reads and prints one block; gives how many rows there were. */
async function show(
  context: CommandContext,
  open: OpenChain,
  head: BlockRef,
  before: () => void = () => undefined,
): Promise<number> {
  const { config, terminal, args } = context
  const { netuid } = open.net
  const rows = orderRows(
    filterRows(await neuronRows(open, head, await boundTo(context)), args, FIELDS),
    config.order,
    FIELDS,
  )
  const epoch = await open.chain.epoch(netuid, head)
  const out = createOutput(terminal, config)
  before()
  out.note(`block ${head.number}, epoch ${epoch.index}, ${epoch.blocksLeft} blocks left`)
  if (config.watch && config.json) {
    for (const row of rows) out.event({ block: head.number, ...row }, () => row.hotkey)
    return rows.length
  }
  const none = args.length > 0 ? 'nobody is like that' : `nobody is registered in subnet ${netuid}`
  out.list(rows, { ...view, none })
  return rows.length
}

/** What the node of this data folder believes; undefined where none runs. */
const boundTo = async ({ config, signal }: CommandContext) =>
  (await askMiner<BindingsAnswer>(config, '/v1/bindings', signal))?.items

const view: ListView<NeuronRow> = {
  id: ({ hotkey }) => hotkey,
  columns: [
    { title: 'UID', value: ({ uid }) => uid, align: 'right' },
    { title: 'HOTKEY', value: ({ hotkey }) => hotkey },
    { title: 'STAKE', value: ({ stake }) => stake, align: 'right' },
    { title: 'VALIDATES', value: standingOf },
    { title: 'INCENTIVE', value: ({ incentive }) => incentive, align: 'right' },
    { title: 'DIVIDENDS', value: ({ dividends }) => dividends, align: 'right' },
    { title: 'EMISSION', value: ({ emission }) => emission, align: 'right' },
    { title: 'UPDATED', value: ({ lastUpdate }) => lastUpdate, align: 'right' },
    { title: 'BOUND AT', value: ({ boundAt }) => boundAt, align: 'right' },
    { title: 'PEERS', value: ({ peers }) => peers?.join(' '), shrinks: true },
    { title: 'COLDKEY', value: ({ coldkey }) => coldkey, shrinks: true },
  ],
}

/** Stake without a permit stands below the chain's threshold, or behind the places it gives. */
function standingOf({ stake, validatorPermit, validates, active }: NeuronRow): string {
  if (validates) return active ? 'yes' : 'inactive'
  if (validatorPermit) return 'no stake'
  return Number(stake) > 0 ? 'no permit' : 'no'
}
