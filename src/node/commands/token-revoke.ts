import type { AccessToken } from '../../api/access.ts'
import { createOutput } from '../output.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'

/** Ends a token of the running node. */
export const tokenRevoke: Run = (context) =>
  withRunningNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const path = `/v1/tokens/${encodeURIComponent(args[0]!)}/revoke`
    const token = await client.post<AccessToken>(path, {}, signal)
    createOutput(terminal, config).value(token, () => `${token.label} is revoked`, token.id)
    return 0
  })
