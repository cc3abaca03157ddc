import type { ReceiptRow, ReceiptsAnswer } from '../control/routes/leases.ts'
import { type Column, createOutput } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { leasePath } from './lease-path.ts'

const columns = (asset: string): readonly Column<ReceiptRow>[] => [
  { title: 'SEQ', value: ({ seq }) => seq, align: 'right' },
  { title: 'AT', value: ({ atMs }) => new Date(atMs).toISOString() },
  { title: 'SERVED', value: ({ upMs }) => `${(upMs / 1000).toFixed(1)} s`, align: 'right' },
  { title: `OWED ${asset}`, value: ({ owed }) => owed, align: 'right' },
  { title: 'COUNTERSIGNED', value: ({ countersigned }) => (countersigned ? 'yes' : 'no') },
  { title: 'FINAL', value: ({ final }) => final, shrinks: true },
]

/** Lists a lease's receipts after checking both signatures, every link of the chain and every amount. */
export const receipts: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const path = leasePath(args[0]!, '/receipts')
    const answer = await client.get<ReceiptsAnswer>(path, signal)
    const output = createOutput(terminal, config)
    if (config.json) {
      output.value(answer, () => '')
      return 0
    }
    output.list(answer.items, {
      columns: columns(answer.asset),
      id: ({ seq }) => String(seq),
      none: 'no receipts yet',
    })
    const { claimed, acknowledged, asset, items } = answer
    output.note(
      `${items.length} receipts, chain verified: ${claimed} ${asset} claimed, ${acknowledged} countersigned`,
    )
    return 0
  })
