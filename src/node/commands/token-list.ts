import type { AccessToken } from '../../api/access.ts'
import { createOutput, type ListView } from '../output.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'

const moment = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

const view: ListView<AccessToken> = {
  columns: [
    { title: 'ID', value: ({ id }) => id },
    { title: 'LABEL', value: ({ label }) => label, shrinks: true },
    { title: 'SCOPE', value: ({ scope }) => scope },
    { title: 'CREATED', value: ({ createdAtMs }) => moment(createdAtMs) },
    {
      title: 'EXPIRES',
      value: ({ expiresAtMs }) => (expiresAtMs === null ? 'never' : moment(expiresAtMs)),
    },
    { title: 'MADE BY', value: ({ madeBy }) => madeBy ?? 'owner' },
  ],
  id: ({ id }) => id,
  none: 'no tokens',
}

/** Lists the tokens of the running node. */
export const tokenList: Run = (context) =>
  withRunningNode(context, async (client) => {
    const { config, terminal, signal } = context
    const { items } = await client.get<{ items: AccessToken[] }>('/v1/tokens', signal)
    createOutput(terminal, config).list(items, view)
    return 0
  })
