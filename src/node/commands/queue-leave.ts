import { createOutput } from '../output.ts'
import { withRunningNode } from '../with-node.ts'
import type { Run } from './command.ts'

/** Gives a place up: one's own at a miner, or as the miner that of whoever waits. */
export const queueLeave: Run = (context) =>
  withRunningNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const path = `/v1/queue/${encodeURIComponent(args[0]!)}/leave`
    const answer = await client.post<{ left: number }>(path, {}, signal)
    createOutput(terminal, config).value(answer, () => `places given up: ${answer.left}`)
    return 0
  })
