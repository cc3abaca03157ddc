import type { MadeToken } from '../../api/access.ts'
import { createOutput } from '../output.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'

/** Makes a token of the running node; stdout gets the secret alone, so that it can go where nobody sees it. */
export const tokenCreate: Run = (context) =>
  withRunningNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const { scope, ttl } = config
    const wanted = { label: args[0], scope, ...(ttl === undefined ? {} : { ttlMs: ttl }) }
    const made = await client.post<MadeToken>('/v1/tokens', wanted, signal)
    const output = createOutput(terminal, config)
    output.note(`token ${made.id}, scope ${made.scope}: its secret is shown this once`)
    output.value(made, () => made.token, made.token)
    return 0
  })
