import type { QueueRow } from '../../api/hosting.ts'
import { createOutput, type ListView } from '../output.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { etaText } from './eta-text.ts'

const yesNo = (is: boolean | null): string | null => (is === null ? null : is ? 'yes' : 'no')

const view: ListView<QueueRow> = {
  columns: [
    { title: 'TICKET', value: ({ ticket }) => ticket.slice(0, 12) },
    {
      title: 'PLACE',
      value: ({ position }) => (position === 0 ? 'turn' : position),
      align: 'right',
    },
    { title: 'ETA', value: ({ etaMs }) => etaText(etaMs), align: 'right' },
    { title: 'GPUS', value: ({ devices }) => devices, align: 'right' },
    {
      title: 'HOURS',
      value: ({ durationMs }) =>
        durationMs === null ? null : Number((durationMs / 3_600_000).toPrecision(3)),
      align: 'right',
    },
    { title: 'PAID BEFORE', value: ({ paidBefore }) => yesNo(paidBefore) },
    { title: 'PRESENT', value: ({ present }) => yesNo(present) },
    { title: 'SINCE', value: ({ sinceMs }) => `${new Date(sinceMs).toISOString().slice(0, 19)}Z` },
    { title: 'WAITS', value: ({ where }) => where },
    { title: 'PEER', value: ({ peer }) => peer, shrinks: true },
  ],
  id: ({ ticket }) => ticket,
  none: 'nobody waits',
}

/** Lists who waits at the running node, in the order of turns, and where it waits itself. */
export const queue: Run = (context) =>
  withRunningNode(context, async (client) => {
    const { config, terminal, signal } = context
    const { items } = await client.get<{ items: QueueRow[] }>('/v1/queue', signal)
    createOutput(terminal, config).list(items, view)
    return 0
  })
